// SPDX-License-Identifier: MIT
/* Which variant of a component fits, and its session.
 *
 * Only the first provider that the caller's options name counts (the CPU where they name none). A variant must be written
 * for it and for one of its devices; of those the one whose compiled code the provider values most wins, the first among
 * equals. */
#include "abi/package.h"
#include "abi/plugin/host.h"

/* What the caller's options say about the provider; everything else of them is not used. */
struct OrtModelPackageOptions {
  sx_ep_choice choice; /* n 0: the CPU, without a device's description */
};

struct OrtModelPackageComponentContext {
  OrtModelPackageContext *package; /* held */
  const sx_package_variant *variant;
  sx_ep_choice choice;
  sx_arena arena;
  const ORTCHAR_T *folder; /* of the variant; empty: it has none */
};

void ORT_API_CALL sx_package_ReleaseModelPackageOptions(OrtModelPackageOptions *input) { sx_free(input, sizeof *input); }

OrtStatus *ORT_API_CALL sx_package_CreateModelPackageOptionsFromSessionOptions(const OrtEnv *env,
                                                                               const OrtSessionOptions *session_options,
                                                                               OrtModelPackageOptions **out) {
  SX_API_NOT_NULL(env);
  SX_API_NOT_NULL(session_options);
  SX_API_NOT_NULL(out);
  OrtModelPackageOptions *o = sx_calloc(1, sizeof *o);
  if (!o) SX_API_NO_MEMORY();
  OrtSession *s = NULL; /* never loaded: a policy or a delegate chooses for a session */
  OrtStatus *failed = sx_ort_session_prepare(env, session_options, &s);
  if (!failed) failed = sx_eps_choose(s, NULL, NULL, 0);
  if (!failed && s->options->providers.n) o->choice = s->options->providers.at[0];
  sx_api_ReleaseSession(s);
  if (failed)
    sx_package_ReleaseModelPackageOptions(o);
  else
    *out = o;
  return failed;
}

static const char *provider_of(const sx_ep_choice *c) { return c->n ? c->devices[0]->name : "CPUExecutionProvider"; }

static const char *type_name(OrtHardwareDeviceType t) {
  return t == OrtHardwareDeviceType_CPU   ? "cpu"
         : t == OrtHardwareDeviceType_GPU ? "gpu"
         : t == OrtHardwareDeviceType_NPU ? "npu"
                                          : "";
}

/* How well a variant fits: 0 and more; -1: not at all. */
static OrtStatus *score(const sx_package_variant *v, const sx_ep_choice *c, int *out) {
  const OrtEpDevice *devices[SX_EP_MAX_DEVICES];
  size_t n = 0;
  bool any = !v->device || !*v->device;
  *out = -1;
  if (!v->ep || strcmp(v->ep, provider_of(c)) != 0) return NULL;
  for (uint32_t i = 0; i < c->n; i++)
    if (any || !strcmp(type_name(c->devices[i]->hardware->type), v->device)) devices[n++] = c->devices[i];
  if (!any && !n && (c->n || strcmp(v->device, "cpu") != 0)) return NULL;
  *out = 0;
  if (!n || !v->compatibility || !*v->compatibility) return NULL;
  OrtCompiledModelCompatibility fits = OrtCompiledModelCompatibility_EP_NOT_APPLICABLE;
  OrtStatus *failed = sx_api_GetModelCompatibilityForEpDevices(devices, n, v->compatibility, &fits);
  *out = fits == OrtCompiledModelCompatibility_EP_SUPPORTED_OPTIMAL                ? 100
         : fits == OrtCompiledModelCompatibility_EP_SUPPORTED_PREFER_RECOMPILATION ? 50
         : fits == OrtCompiledModelCompatibility_EP_UNSUPPORTED                    ? -1
                                                                                   : 0;
  if (failed) *out = 0; /* a provider that cannot say has no opinion */
  sx_api_ReleaseStatus(failed);
  return NULL;
}

OrtStatus *ORT_API_CALL sx_package_SelectComponent(const OrtModelPackageContext *ctx, const char *component,
                                                   const OrtModelPackageOptions *options,
                                                   OrtModelPackageComponentContext **out) {
  SX_API_NOT_NULL(ctx);
  SX_API_NOT_NULL(component);
  SX_API_NOT_NULL(options);
  SX_API_NOT_NULL(out);
  const sx_package_component *c = sx_package_find(ctx, component);
  if (!c) SX_API_FAIL(INVALID_ARGUMENT, "the model package has no component \"%.200s\"", component);
  const sx_package_variant *best = NULL;
  for (int at = -1, i = 0; i < (int)c->n; i++) {
    int fits;
    OrtStatus *failed = score(&c->variants[i], &options->choice, &fits);
    if (failed) return failed;
    if (fits > at) best = &c->variants[i], at = fits;
  }
  if (!best)
    SX_API_FAIL(FAIL, "no variant of the component \"%.200s\" suits the provider %.100s and its devices", component,
                provider_of(&options->choice));
  OrtModelPackageComponentContext *x = sx_calloc(1, sizeof *x);
  if (!x) SX_API_NO_MEMORY();
  x->variant = best, x->choice = options->choice;
  if (!(x->folder = sx_path_native(&x->arena, best->folder ? best->folder : ""))) {
    sx_arena_free(&x->arena);
    sx_free(x, sizeof *x);
    SX_API_NO_MEMORY();
  }
  x->package = (OrtModelPackageContext *)ctx;
  atomic_fetch_add(&x->package->refs, 1);
  *out = x;
  return NULL;
}

void ORT_API_CALL sx_package_ReleaseModelPackageComponentContext(OrtModelPackageComponentContext *input) {
  if (!input) return;
  sx_package_ReleaseModelPackageContext(input->package);
  sx_arena_free(&input->arena);
  sx_free(input, sizeof *input);
}

OrtStatus *ORT_API_CALL sx_package_ModelPackageComponent_GetSelectedVariantName(const OrtModelPackageComponentContext *ctx,
                                                                                const char **name) {
  SX_API_NOT_NULL(ctx);
  SX_API_NOT_NULL(name);
  *name = ctx->variant->name;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_package_ModelPackageComponent_GetSelectedVariantFolderPath(
    const OrtModelPackageComponentContext *ctx, const ORTCHAR_T **path) {
  SX_API_NOT_NULL(ctx);
  SX_API_NOT_NULL(path);
  *path = ctx->folder;
  return NULL;
}

/* The package's session options into `o`: all, or (`paths`) only the paths that the caller has not set. */
static OrtStatus *merge(const sx_package_variant *v, bool paths, OrtSessionOptions *o) {
  OrtStatus *failed = NULL;
  for (uint32_t i = 0; i < v->session.n && !failed; i++) {
    const char *key = v->session.keys[i];
    if (paths && (!sx_package_key_is_path(key) || sx_kvp_get(&o->config, key))) continue;
    failed = sx_ort_config_set(&o->config, key, v->session.values[i]);
  }
  return failed;
}

/* The selected provider, unless the caller's options name their own, with the package's options for it (n may be 0). */
static OrtStatus *add_provider(const OrtEnv *env, const sx_ep_choice *c, const OrtKeyValuePairs *with,
                               OrtSessionOptions *o) {
  o->policy = 0, o->delegate = NULL; /* what they choose was chosen when the component was selected */
  if (o->providers.n) return NULL;
  const char *const *keys = with ? with->keys : NULL, *const *values = with ? with->values : NULL;
  size_t n = with ? with->n : 0;
  if (!c->n) return sx_ort_store_ep_options(o, provider_of(c), NULL, keys, values, n);
  return sx_api_SessionOptionsAppendExecutionProvider_V2(o, (OrtEnv *)env, c->devices, c->n, keys, values, n);
}

OrtStatus *ORT_API_CALL sx_package_CreateSession(const OrtEnv *env, const OrtModelPackageComponentContext *ctx,
                                                 const OrtSessionOptions *session_options, OrtSession **out) {
  SX_API_NOT_NULL(env);
  SX_API_NOT_NULL(ctx);
  SX_API_NOT_NULL(out);
  const sx_package_variant *v = ctx->variant;
  if (!v->model)
    SX_API_FAIL(FAIL, "the variant \"%.200s\" names no model: executor_info.ort.model_file is missing", v->name);
  OrtSessionOptions *o = NULL;
  OrtStatus *failed = session_options ? sx_api_CloneSessionOptions(session_options, &o) : sx_api_CreateSessionOptions(&o);
  if (!failed) failed = merge(v, session_options != NULL, o);
  if (!failed) failed = add_provider(env, &ctx->choice, session_options ? NULL : &v->provider, o);
  sx_arena a = {0};
  const ORTCHAR_T *path = failed ? NULL : sx_path_native(&a, v->model);
  if (!failed) failed = path ? sx_api_CreateSession(env, path, o, out) : sx_ort_status(SX_E_NO_MEMORY, NULL);
  sx_arena_free(&a);
  sx_api_ReleaseSessionOptions(o);
  return failed;
}
