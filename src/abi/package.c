// SPDX-License-Identifier: MIT
/* Model packages: a folder with manifest.json, whose components are models, each in variants for several providers.
 *
 * Everything is read and checked when the context is made; later calls only look. In the portable layout, which is the
 * default, no path leads out of the package, by its text or by links; "installed" packages may name any. Shared folders go
 * by a hash, "sha256:<hex>", and lie in shared_assets/sha256-<hex> or where the manifest says. */
#include "abi/package.h"
#include "base/file.h"
#include "onnxruntime_session_options_config_keys.h"

enum { HASH = 64, REF = 7 + HASH }; /* "sha256:" and its digits */

/* Is s, up to its end or a slash, the name of a shared folder? */
static bool is_asset(sx_str s) {
  if (s.n < REF || memcmp(s.p, "sha256:", 7) != 0 || (s.n > REF && s.p[REF] != '/')) return false;
  for (size_t i = 7; i < REF; i++)
    if (!strchr("0123456789abcdef", s.p[i]) || !s.p[i]) return false;
  return true;
}

static sx_status resolve_asset(const OrtModelPackageContext *p, sx_arena *a, sx_str ref, bool must_exist, char **out,
                               sx_err *e) {
  char *uri = sx_arena_strdup(a, ref.p, REF), *folder;
  if (!uri) SX_NO_MEMORY(e);
  const sx_json *given = sx_json_get(p->assets, uri);
  const char *confined = p->installed ? NULL : p->root;
  if (given) {
    SX_TRY(sx_path_resolve(a, confined, p->root, given->text, false, &folder, e));
  } else {
    char *usual = sx_arena_printf(a, "shared_assets/sha256-%s", uri + 7);
    if (!usual) SX_NO_MEMORY(e);
    SX_TRY(sx_path_resolve(a, confined, p->root, sx_str_c(usual), false, &folder, e));
    if (sx_path_look(folder) != SX_PATH_FOLDER) SX_FAIL(e, FAIL, "the package has no shared folder \"%s\"", uri);
  }
  sx_str rest = ref.n > REF + 1 ? (sx_str){ref.p + REF + 1, ref.n - REF - 1} : SX_STR(".");
  return sx_path_resolve(a, folder, folder, rest, must_exist, out, e);
}

static sx_status resolve(const OrtModelPackageContext *p, sx_arena *a, const char *base, sx_str ref, bool must_exist,
                         char **out, sx_err *e) {
  if (is_asset(ref)) return resolve_asset(p, a, ref, must_exist, out, e);
  return sx_path_resolve(a, p->installed ? NULL : p->root, base, ref, must_exist, out, e);
}

/* ---- reading ---- */
static sx_status read_file(OrtModelPackageContext *p, const char *path, const sx_json **out, sx_err *e) {
  sx_mapping m;
  sx_err why;
  if (sx_map_file(path, &m, &why) != SX_OK)
    return sx_fail(e, why.code == SX_E_NO_MEMORY ? why.code : SX_E_FAIL, SX_HERE, "%s", why.msg);
  sx_status s = sx_json_read(&p->arena, (sx_str){m.data ? (const char *)m.data : "", m.size}, out, e);
  sx_unmap_file(&m);
  if (s == SX_E_FAIL) sx_err_context(e, "\"%.512s\" is no JSON", path);
  return s;
}

/* An object with no members but these (up to NULL). */
static sx_status expect(const sx_json *v, const char *const *known, sx_err *e) {
  if (v->kind != SX_JSON_OBJECT) SX_FAIL(e, FAIL, "expected a JSON object");
  for (const sx_json *m = v->first; m; m = m->next) {
    size_t i = 0;
    while (known[i] && !sx_str_is(m->key, known[i])) i++;
    if (!known[i]) SX_FAIL(e, FAIL, "the field \"%.*s\" is unknown", SX_FMT(m->key));
  }
  return SX_OK;
}

/* A text, where it is given. */
static sx_status text(const sx_json *object, const char *key, const char **out, sx_err *e) {
  const sx_json *v = sx_json_get(object, key);
  *out = NULL;
  if (!v) return SX_OK;
  if (v->kind != SX_JSON_TEXT) SX_FAIL(e, FAIL, "\"%s\" must be a text", key);
  *out = v->text.p;
  return SX_OK;
}

bool sx_package_key_is_path(const char *key) {
  return !strcmp(key, kOrtSessionOptionsModelExternalInitializersFileFolderPath) ||
         !strcmp(key, kOrtSessionOptionEpContextFilePath);
}

/* Pairs of texts; of session options, none that writes a file. */
static sx_status pairs(const OrtModelPackageContext *p, sx_arena *a, const sx_json *info, const char *what,
                       const char *base, bool session, OrtKeyValuePairs *to, sx_err *e) {
  static const char *const refused[] = {"session.debug_layout_transformation", "session.collect_node_memory_stats_to_file",
                                        "session.enable_profiling", "session.optimized_model_filepath"};
  const sx_json *v = sx_json_get(info, what);
  if (!v) return SX_OK;
  if (v->kind != SX_JSON_OBJECT) SX_FAIL(e, FAIL, "\"%s\" must be an object", what);
  for (const sx_json *m = v->first; m; m = m->next) {
    const char *value = m->text.p;
    if (m->kind != SX_JSON_TEXT) SX_FAIL(e, FAIL, "\"%s\": the value of \"%.*s\" must be a text", what, SX_FMT(m->key));
    for (size_t i = 0; session && i < sizeof refused / sizeof *refused; i++)
      if (sx_str_is(m->key, refused[i])) SX_FAIL(e, FAIL, "a package must not set the session option \"%s\"", refused[i]);
    if (session && m->text.n && sx_package_key_is_path(m->key.p)) {
      char *path;
      SX_TRY(resolve(p, a, base, m->text, false, &path, e));
      value = path;
    }
    if (!sx_kvp_set(to, m->key.p, value)) SX_NO_MEMORY(e);
  }
  return SX_OK;
}

/* executor_info.ort: how this library runs the variant; other runtimes have their own entries, which need only be
 * well-formed. */
static sx_status read_info(OrtModelPackageContext *p, const sx_json *info, const char *base, sx_package_variant *v,
                           sx_err *e) {
  if (!info) return SX_OK;
  if (info->kind != SX_JSON_OBJECT) SX_FAIL(e, FAIL, "\"executor_info\" must be an object");
  const sx_json *ort = NULL;
  for (const sx_json *m = info->first; m; m = m->next) {
    const sx_json *body = m;
    if (m->kind != SX_JSON_TEXT && m->kind != SX_JSON_OBJECT)
      SX_FAIL(e, FAIL, "\"executor_info\": \"%.*s\" must be a path or an object", SX_FMT(m->key));
    if (m->kind == SX_JSON_TEXT) {
      char *path;
      SX_TRY(sx_path_resolve(&p->arena, p->installed ? NULL : p->root, base, m->text, true, &path, e));
      SX_TRY(read_file(p, path, &body, e));
    }
    if (sx_str_is(m->key, "ort")) ort = body;
  }
  if (!ort) return SX_OK;
  if (ort->kind != SX_JSON_OBJECT) SX_FAIL(e, FAIL, "what \"executor_info\" says for \"ort\" must be an object");
  const sx_json *model = sx_json_get(ort, "model_file");
  if (model) {
    char *path;
    if (model->kind != SX_JSON_TEXT) SX_FAIL(e, FAIL, "\"model_file\" must be a text");
    SX_TRY(resolve(p, &p->arena, base, model->text, false, &path, e));
    v->model = path;
  }
  SX_TRY(pairs(p, &p->arena, ort, "session_options", base, true, &v->session, e));
  return pairs(p, &p->arena, ort, "provider_options", base, false, &v->provider, e);
}

static sx_status read_variant(OrtModelPackageContext *p, const sx_json *body, const char *folder, sx_package_variant *v,
                              sx_err *e) {
  static const char *const known[] = {"variant_directory",   "ep", "device", "compatibility_string", "executor_info",
                                      "additional_metadata", NULL};
  const char *given;
  char *where;
  v->name = body->key.p;
  SX_TRY(expect(body, known, e));
  SX_TRY(text(body, "ep", &v->ep, e));
  SX_TRY(text(body, "device", &v->device, e));
  SX_TRY(text(body, "compatibility_string", &v->compatibility, e));
  SX_TRY(text(body, "variant_directory", &given, e));
  sx_str name = given ? sx_json_get(body, "variant_directory")->text : body->key;
  SX_TRY(sx_path_resolve(&p->arena, p->installed ? NULL : p->root, folder, name, given != NULL, &where, e));
  if (sx_path_look(where) != SX_PATH_NOTHING) v->folder = where;
  return read_info(p, sx_json_get(body, "executor_info"), v->folder ? v->folder : p->root, v, e);
}

static sx_status read_component(OrtModelPackageContext *p, const sx_json *value, sx_package_component *c, sx_err *e) {
  static const char *const known[] = {"component_name", "variants", "additional_metadata", NULL};
  const sx_json *body = value;
  const char *folder = p->root, *ignored;
  c->name = value->key.p;
  if (value->kind == SX_JSON_TEXT) {
    char *path, *end;
    SX_TRY(sx_path_resolve(&p->arena, p->installed ? NULL : p->root, p->root, value->text, true, &path, e));
    if (sx_path_look(path) == SX_PATH_FOLDER)
      SX_TRY(sx_path_resolve(&p->arena, p->installed ? NULL : p->root, path, SX_STR("component.json"), true, &path, e));
    SX_TRY(read_file(p, path, &body, e));
    if ((end = strrchr(path, '/')) == NULL) end = strrchr(path, '\\'); /* Windows */
    if (!(folder = sx_arena_strdup(&p->arena, path, end ? (size_t)(end - path) : 0))) SX_NO_MEMORY(e);
  } else if (value->kind != SX_JSON_OBJECT) {
    SX_FAIL(e, FAIL, "expected a path or an object");
  }
  SX_TRY(expect(body, known, e));
  SX_TRY(text(body, "component_name", &ignored, e));
  const sx_json *variants = sx_json_get(body, "variants");
  if (!variants || variants->kind != SX_JSON_OBJECT) SX_FAIL(e, FAIL, "\"variants\" is missing or no object");
  if (!variants->n) return SX_OK;
  c->variants = SX_NEW_N(&p->arena, sx_package_variant, variants->n);
  c->variant_names = SX_NEW_N(&p->arena, const char *, variants->n);
  if (!c->variants || !c->variant_names) SX_NO_MEMORY(e);
  for (const sx_json *m = variants->first; m; m = m->next) {
    sx_package_variant *v = &c->variants[c->n];
    c->variant_names[c->n++] = m->key.p;
    sx_status s = read_variant(p, m, folder, v, e);
    if (s != SX_OK) sx_err_context(e, "variant \"%.*s\"", SX_FMT(m->key));
    SX_TRY(s);
  }
  return SX_OK;
}

/* "1.<minor>", or the number 1. */
static sx_status read_schema(OrtModelPackageContext *p, const sx_json *v, sx_err *e) {
  if (!v) SX_FAIL(e, FAIL, "\"schema_version\" is missing");
  if (!sx_json_int(v, &p->schema)) {
    sx_str s = v->kind == SX_JSON_TEXT ? v->text : SX_STR("");
    size_t dots = 0, i = 0;
    p->schema = 0;
    for (; i < s.n; i++) {
      bool digit = s.p[i] >= '0' && s.p[i] <= '9';
      if (!digit && (s.p[i] != '.' || dots++ || i == 0 || i + 1 == s.n)) break;
      if (digit && !dots && (!sx_i64_mul(p->schema, 10, &p->schema) || !sx_i64_add(p->schema, s.p[i] - '0', &p->schema)))
        break;
    }
    if (!s.n || i < s.n) SX_FAIL(e, FAIL, "\"schema_version\" must be a text \"<major>.<minor>\"");
  }
  if (p->schema != 1) SX_FAIL(e, FAIL, "schema version %lld is not supported, 1 is", (long long)p->schema);
  return SX_OK;
}

static sx_status read_assets(OrtModelPackageContext *p, const sx_json *v, sx_err *e) {
  char *ignored;
  if (!v) return SX_OK;
  if (v->kind != SX_JSON_OBJECT) SX_FAIL(e, FAIL, "\"shared_assets\" must be an object");
  for (const sx_json *m = v->first; m; m = m->next) {
    if (m->key.n != REF || !is_asset(m->key))
      SX_FAIL(e, FAIL, "\"shared_assets\": \"%.*s\" is not sha256: and 64 digits in lower case", SX_FMT(m->key));
    if (m->kind != SX_JSON_TEXT) SX_FAIL(e, FAIL, "\"shared_assets\": the path of \"%s\" must be a text", m->key.p);
    SX_TRY(sx_path_resolve(&p->arena, p->installed ? NULL : p->root, p->root, m->text, false, &ignored, e));
  }
  p->assets = v;
  return SX_OK;
}

static sx_status read_manifest(OrtModelPackageContext *p, sx_err *e) {
  static const char *const known[] = {"schema_version", "package_name",  "package_version",     "description", "layout",
                                      "components",     "shared_assets", "additional_metadata", NULL};
  const sx_json *m;
  const char *layout, *ignored;
  char *path = sx_arena_printf(&p->arena, "%s/manifest.json", p->root);
  if (!path) SX_NO_MEMORY(e);
  SX_TRY(read_file(p, path, &m, e));
  SX_TRY(expect(m, known, e));
  SX_TRY(read_schema(p, sx_json_get(m, "schema_version"), e));
  for (int i = 1; i < 4; i++) SX_TRY(text(m, known[i], &ignored, e));
  SX_TRY(text(m, "layout", &layout, e));
  p->installed = layout && !strcmp(layout, "installed");
  if (layout && !p->installed && strcmp(layout, "portable") != 0)
    SX_FAIL(e, FAIL, "\"layout\" must be \"portable\" or \"installed\", found \"%.100s\"", layout);
  SX_TRY(read_assets(p, sx_json_get(m, "shared_assets"), e));
  const sx_json *components = sx_json_get(m, "components");
  if (!components || components->kind != SX_JSON_OBJECT) SX_FAIL(e, FAIL, "\"components\" is missing or no object");
  p->components = SX_NEW_N(&p->arena, sx_package_component, (size_t)components->n + 1);
  p->names = SX_NEW_N(&p->arena, const char *, (size_t)components->n + 1);
  if (!p->components || !p->names) SX_NO_MEMORY(e);
  for (const sx_json *c = components->first; c; c = c->next) {
    p->names[p->n] = c->key.p;
    sx_status s = read_component(p, c, &p->components[p->n++], e);
    if (s != SX_OK) sx_err_context(e, "component \"%.*s\"", SX_FMT(c->key));
    SX_TRY(s);
  }
  return SX_OK;
}

static sx_status open_package(OrtModelPackageContext *p, const char *root, sx_err *e) {
  char *real;
  if (sx_path_look(root) != SX_PATH_FOLDER) SX_FAIL(e, FAIL, "it is not a folder");
  SX_TRY(sx_path_real(&p->arena, root, &real, e));
  p->root = real;
  return read_manifest(p, e);
}

void ORT_API_CALL sx_package_ReleaseModelPackageContext(OrtModelPackageContext *input) {
  if (!input || atomic_fetch_sub(&input->refs, 1) != 1) return;
  for (uint32_t i = 0; i < input->n; i++)
    for (uint32_t k = 0; k < input->components[i].n; k++) {
      sx_kvp_clear(&input->components[i].variants[k].session);
      sx_kvp_clear(&input->components[i].variants[k].provider);
    }
  sx_text_drop(input->answer);
  sx_arena_free(&input->arena);
  sx_free(input, sizeof *input);
}

OrtStatus *ORT_API_CALL sx_package_CreateModelPackageContext(const ORTCHAR_T *package_root, OrtModelPackageContext **out) {
  SX_API_NOT_NULL(package_root);
  SX_API_NOT_NULL(out);
  sx_path path;
  sx_err e = {0};
  OrtModelPackageContext *p = sx_calloc(1, sizeof *p);
  if (!p) SX_API_NO_MEMORY();
  atomic_init(&p->refs, 1);
  if (!sx_path_open(&path, package_root)) {
    sx_package_ReleaseModelPackageContext(p);
    SX_API_NO_MEMORY();
  }
  sx_status s = open_package(p, path.p, &e);
  if (s != SX_OK && s != SX_E_NO_MEMORY) sx_err_context(&e, "the model package \"%.256s\"", path.p);
  sx_path_close(&path);
  if (s == SX_OK)
    *out = p;
  else
    sx_package_ReleaseModelPackageContext(p);
  return sx_ort_status(s, &e);
}

/* ---- questions ---- */
const sx_package_component *sx_package_find(const OrtModelPackageContext *ctx, const char *name) {
  for (uint32_t i = 0; i < ctx->n; i++)
    if (!strcmp(ctx->names[i], name)) return &ctx->components[i];
  return NULL;
}

#define FIND(c)                                                    \
  const sx_package_component *c = sx_package_find(ctx, component); \
  if (!c) SX_API_FAIL(INVALID_ARGUMENT, "the model package has no component \"%.200s\"", component)

OrtStatus *ORT_API_CALL sx_package_ModelPackage_GetSchemaVersion(const OrtModelPackageContext *ctx, int64_t *version) {
  SX_API_NOT_NULL(ctx);
  SX_API_NOT_NULL(version);
  *version = ctx->schema;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_package_ModelPackage_GetComponentCount(const OrtModelPackageContext *ctx, size_t *count) {
  SX_API_NOT_NULL(ctx);
  SX_API_NOT_NULL(count);
  *count = ctx->n;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_package_ModelPackage_GetComponentNames(const OrtModelPackageContext *ctx,
                                                                  const char *const **names, size_t *count) {
  SX_API_NOT_NULL(ctx);
  SX_API_NOT_NULL(names);
  SX_API_NOT_NULL(count);
  *names = ctx->n ? ctx->names : NULL;
  *count = ctx->n;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_package_ModelPackage_GetVariantCount(const OrtModelPackageContext *ctx, const char *component,
                                                                size_t *count) {
  SX_API_NOT_NULL(ctx);
  SX_API_NOT_NULL(component);
  SX_API_NOT_NULL(count);
  FIND(c);
  *count = c->n;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_package_ModelPackage_GetVariantNames(const OrtModelPackageContext *ctx, const char *component,
                                                                const char *const **names, size_t *count) {
  SX_API_NOT_NULL(ctx);
  SX_API_NOT_NULL(component);
  SX_API_NOT_NULL(names);
  SX_API_NOT_NULL(count);
  FIND(c);
  *names = c->variant_names;
  *count = c->n;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_package_ModelPackage_GetVariantEpName(const OrtModelPackageContext *ctx, const char *component,
                                                                 const char *variant, const char **ep) {
  SX_API_NOT_NULL(ctx);
  SX_API_NOT_NULL(component);
  SX_API_NOT_NULL(variant);
  SX_API_NOT_NULL(ep);
  FIND(c);
  for (uint32_t i = 0; i < c->n; i++)
    if (!strcmp(c->variant_names[i], variant)) {
      *ep = c->variants[i].ep;
      return NULL;
    }
  SX_API_FAIL(INVALID_ARGUMENT, "the component \"%.200s\" has no variant \"%.200s\"", component, variant);
}

/* The answer lies in the context until the next question; callers keep other threads away. */
OrtStatus *ORT_API_CALL sx_package_ModelPackage_ResolveStringRef(const OrtModelPackageContext *ctx, const char *base_dir,
                                                                 const char *input, int must_exist, const char **path) {
  SX_API_NOT_NULL(ctx);
  SX_API_NOT_NULL(input);
  SX_API_NOT_NULL(path);
  sx_arena a = {0};
  sx_err e = {0};
  char *found;
  sx_status s = resolve(ctx, &a, base_dir ? base_dir : ctx->root, sx_str_c(input), must_exist != 0, &found, &e);
  OrtStatus *failed = s == SX_OK ? sx_ort_text_set(&((OrtModelPackageContext *)ctx)->answer, found) : sx_ort_status(s, &e);
  sx_arena_free(&a);
  if (!failed) *path = ctx->answer;
  return failed;
}
