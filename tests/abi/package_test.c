// SPDX-License-Identifier: MIT
/* Model packages: a folder that this test writes, with a component for the CPU and one that also has a variant for the
 * sample provider; then what is refused, paths that lead out, and a manifest cut at every byte. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "abi.h"
#include "models.h"

#define ASSET "sha256:00000000000000000000000000000000000000000000000000000000000000a1"
static const OrtModelPackageApi *package;
static OrtEnv *env;
static const OrtEpDevice *sample;
static char root[] = "/tmp/abi_package_XXXXXX";
#define POK(call)         check_code(ORT_OK, package->call, __LINE__, #call)
#define PCODE(code, call) check_code((code), package->call, __LINE__, #call)

static char *path_of(const char *name) {
  static char path[400];
  snprintf(path, sizeof path, "%s/%s", root, name);
  return path;
}

static void put(const char *name, const void *data, size_t n) {
  FILE *f = fopen(path_of(name), "wb");
  CHECK(f != NULL);
  if (!f) return;
  CHECK(fwrite(data, 1, n, f) == n);
  fclose(f);
}

#define CPU       "\"ep\":\"CPUExecutionProvider\""
#define ORT(more) "\"executor_info\":{\"ort\":{\"model_file\":\"model.onnx\"" more "}}"
static const char manifest[] =
    "{\"schema_version\":\"1.0\",\"package_name\":\"p\",\"components\":{\"first\":\"first\",\"second\":{\"variants\":{"
    "\"z\":{\"variant_directory\":\"second/z\",\"ep\":\"NoProvider\"},\"empty\":{},"
    "\"s\":{\"variant_directory\":\"second/s\",\"ep\":\"SampleProvider\",\"device\":\"cpu\",\"compatibility_string\":\"any\","
    ORT(",\"provider_options\":{\"speed\":\"high\"}") "},"
    "\"g\":{\"variant_directory\":\"second/z\",\"ep\":\"SampleProvider\",\"device\":\"gpu\"},"
    "\"c\":{\"variant_directory\":\"second/c\"," CPU "," ORT(",\"session_options\":{\"session.set_denormal_as_zero\":\"1\"}") "}}}},"
    "\"additional_metadata\":[1,2.5e3,null,\"\\u00e9\"]}";
static const char component[] = "{\"variants\":{\"cpu\":{" CPU ",\"executor_info\":{\"ort\":\"info.json\",\"other\":{}}}}}";

static void write_package(void) {
  static const char *const folders[] = {
      "first",         "first/cpu",
      "second",        "second/s",
      "second/c",      "second/z",
      "shared_assets", "shared_assets/sha256-00000000000000000000000000000000000000000000000000000000000000a1"};
  for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) CHECK(mkdir(path_of(folders[i]), 0777) == 0);
  put("manifest.json", manifest, sizeof manifest - 1);
  put("first/component.json", component, sizeof component - 1);
  put("first/cpu/info.json", "{\"model_file\":\"model.onnx\"}", 27);
  put("first/cpu/model.onnx", model_add, sizeof model_add);
  put("second/s/model.onnx", model_add, sizeof model_add);
  put("second/c/model.onnx", model_add, sizeof model_add);
  put("shared_assets/sha256-00000000000000000000000000000000000000000000000000000000000000a1/t.txt", "t", 1);
  CHECK(symlink("/etc", path_of("out")) == 0);
}

static OrtModelPackageContext *open_root(void) {
  OrtModelPackageContext *c = NULL;
  POK(CreateModelPackageContext(root, &c));
  return c;
}

static void questions(void) {
  OrtModelPackageContext *c = open_root(), *none = NULL;
  const char *const *names = NULL, *ep = "";
  int64_t version = 0;
  size_t n = 0;
  if (!c) return;
  POK(ModelPackage_GetSchemaVersion(c, &version));
  CHECK(version == 1);
  POK(ModelPackage_GetComponentCount(c, &n));
  CHECK(n == 2);
  POK(ModelPackage_GetComponentNames(c, &names, &n));
  CHECK(n == 2 && !strcmp(names[0], "first") && !strcmp(names[1], "second"));
  POK(ModelPackage_GetVariantCount(c, "second", &n));
  CHECK(n == 5);
  POK(ModelPackage_GetVariantNames(c, "second", &names, &n));
  CHECK(n == 5 && !strcmp(names[0], "z") && !strcmp(names[4], "c"));
  POK(ModelPackage_GetVariantEpName(c, "second", "s", &ep));
  CHECK(ep && !strcmp(ep, "SampleProvider"));
  POK(ModelPackage_GetVariantEpName(c, "second", "empty", &ep));
  CHECK(ep == NULL);
  PCODE(ORT_INVALID_ARGUMENT, ModelPackage_GetVariantCount(c, "none", &n));
  PCODE(ORT_INVALID_ARGUMENT, ModelPackage_GetVariantNames(c, "none", &names, &n));
  PCODE(ORT_INVALID_ARGUMENT, ModelPackage_GetVariantEpName(c, "none", "s", &ep));
  PCODE(ORT_INVALID_ARGUMENT, ModelPackage_GetVariantEpName(c, "second", "none", &ep));
  PCODE(ORT_INVALID_ARGUMENT, CreateModelPackageContext(NULL, &none));
  PCODE(ORT_INVALID_ARGUMENT, CreateModelPackageContext(root, NULL));
  PCODE(ORT_INVALID_ARGUMENT, ModelPackage_GetSchemaVersion(NULL, &version));
  PCODE(ORT_INVALID_ARGUMENT, ModelPackage_GetSchemaVersion(c, NULL));
  PCODE(ORT_INVALID_ARGUMENT, ModelPackage_GetComponentCount(c, NULL));
  PCODE(ORT_INVALID_ARGUMENT, ModelPackage_GetComponentNames(c, NULL, &n));
  PCODE(ORT_INVALID_ARGUMENT, ModelPackage_GetComponentNames(c, &names, NULL));
  PCODE(ORT_INVALID_ARGUMENT, ModelPackage_GetVariantCount(c, NULL, &n));
  PCODE(ORT_INVALID_ARGUMENT, ModelPackage_GetVariantNames(c, "second", NULL, &n));
  PCODE(ORT_INVALID_ARGUMENT, ModelPackage_GetVariantEpName(c, "second", NULL, &ep));
  PCODE(ORT_INVALID_ARGUMENT, ModelPackage_GetVariantEpName(c, "second", "s", NULL));
  CHECK(none == NULL);
  package->ReleaseModelPackageContext(c);
  package->ReleaseModelPackageContext(NULL);
  package->ReleaseModelPackageComponentContext(NULL);
  package->ReleaseModelPackageOptions(NULL);
}

/* What a reference resolves to below the package's folder; NULL: refused. */
static void reference(const OrtModelPackageContext *c, const char *ref, int must_exist, const char *below) {
  char real[4096], expected[5000];
  const char *path = NULL;
  if (!realpath(root, real)) return;
  check_code(below ? ORT_OK : ORT_FAIL, package->ModelPackage_ResolveStringRef(c, NULL, ref, must_exist, &path), __LINE__,
             ref);
  if (!below) return;
  snprintf(expected, sizeof expected, "%s%s", real, below);
  CHECK(path && !strcmp(path, expected));
}

static void references(void) {
  OrtModelPackageContext *c = open_root();
  const char *path = "as it was";
  if (!c) return;
  reference(c, "first/./cpu//model.onnx", 1, "/first/cpu/model.onnx");
  reference(c, "first/nothing/more", 0, "/first/nothing/more");
  reference(c, "first/nothing", 1, NULL);
  reference(c, ".", 1, "");
  reference(c, "", 0, NULL);
  reference(c, "../x", 0, NULL);
  reference(c, "first/../first", 0, NULL);
  reference(c, "/etc/passwd", 0, NULL);
  reference(c, "out", 0, NULL);
  reference(c, "out/passwd", 1, NULL);
  reference(c, "out/nothing", 0, NULL);
  reference(c, ASSET, 1, "/shared_assets/sha256-00000000000000000000000000000000000000000000000000000000000000a1");
  reference(c, ASSET "/t.txt", 1,
            "/shared_assets/sha256-00000000000000000000000000000000000000000000000000000000000000a1/t.txt");
  reference(c, ASSET "/no", 1, NULL);
  reference(c, ASSET "/../x", 0, NULL);
  reference(c, ASSET "//etc", 0, NULL);
  reference(c, "sha256:00000000000000000000000000000000000000000000000000000000000000b2", 0, NULL);
  PCODE(ORT_FAIL, ModelPackage_ResolveStringRef(c, "/etc", "passwd", 1, &path));
  PCODE(ORT_INVALID_ARGUMENT, ModelPackage_ResolveStringRef(c, NULL, NULL, 0, &path));
  PCODE(ORT_INVALID_ARGUMENT, ModelPackage_ResolveStringRef(c, NULL, "x", 0, NULL));
  PCODE(ORT_INVALID_ARGUMENT, ModelPackage_ResolveStringRef(NULL, NULL, "x", 0, &path));
  CHECK(!strcmp(path, "as it was"));
  package->ReleaseModelPackageContext(c);
}

static OrtModelPackageOptions *choose(int with_sample) {
  OrtSessionOptions *o = NULL;
  OrtModelPackageOptions *out = NULL;
  OK(CreateSessionOptions(&o));
  if (with_sample) OK(SessionOptionsAppendExecutionProvider_V2(o, env, &sample, 1, NULL, NULL, 0));
  POK(CreateModelPackageOptionsFromSessionOptions(env, o, &out));
  api->ReleaseSessionOptions(o); /* the choice is kept */
  return out;
}

static void session_of(const OrtModelPackageComponentContext *x, const OrtSessionOptions *o) {
  OrtSession *s = NULL;
  size_t n = 0;
  POK(CreateSession(env, x, o, &s));
  if (!s) return;
  OK(SessionGetInputCount(s, &n));
  CHECK(n > 0);
  api->ReleaseSession(s);
}

static void selection(int with_sample, const char *component_name, const char *variant, const char *folder) {
  OrtModelPackageContext *c = open_root();
  OrtModelPackageOptions *o = choose(with_sample);
  OrtModelPackageComponentContext *x = NULL;
  if (!c || !o) return;
  check_code(variant ? ORT_OK : ORT_FAIL, package->SelectComponent(c, component_name, o, &x), __LINE__, component_name);
  package->ReleaseModelPackageContext(c); /* a selected component needs neither */
  package->ReleaseModelPackageOptions(o);
  if (!x) return;
  const char *name = NULL, *path = NULL;
  POK(ModelPackageComponent_GetSelectedVariantName(x, &name));
  POK(ModelPackageComponent_GetSelectedVariantFolderPath(x, &path));
  CHECK(name && !strcmp(name, variant));
  CHECK(path && strlen(path) > strlen(folder) && !strcmp(path + strlen(path) - strlen(folder), folder));
  PCODE(ORT_INVALID_ARGUMENT, ModelPackageComponent_GetSelectedVariantName(x, NULL));
  PCODE(ORT_INVALID_ARGUMENT, ModelPackageComponent_GetSelectedVariantFolderPath(NULL, &path));
  session_of(x, NULL);
  session_of(x, NULL);
  OrtSessionOptions *own = NULL;
  OK(CreateSessionOptions(&own));
  session_of(x, own);
  api->ReleaseSessionOptions(own);
  OrtSession *s = NULL;
  PCODE(ORT_INVALID_ARGUMENT, CreateSession(NULL, x, NULL, &s));
  PCODE(ORT_INVALID_ARGUMENT, CreateSession(env, NULL, NULL, &s));
  PCODE(ORT_INVALID_ARGUMENT, CreateSession(env, x, NULL, NULL));
  package->ReleaseModelPackageComponentContext(x);
}

static void selections(void) {
  selection(0, "first", "cpu", "/first/cpu");
  selection(0, "second", "c", "/second/c");
  selection(1, "second", "s", "/second/s");
  selection(1, "first", NULL, NULL); /* no falling back to another provider */
  OrtModelPackageContext *c = open_root();
  OrtModelPackageOptions *o = choose(0), *none = NULL;
  OrtModelPackageComponentContext *x = NULL;
  PCODE(ORT_INVALID_ARGUMENT, SelectComponent(c, "none", o, &x));
  PCODE(ORT_INVALID_ARGUMENT, SelectComponent(c, NULL, o, &x));
  PCODE(ORT_INVALID_ARGUMENT, SelectComponent(c, "first", NULL, &x));
  PCODE(ORT_INVALID_ARGUMENT, SelectComponent(NULL, "first", o, &x));
  PCODE(ORT_INVALID_ARGUMENT, SelectComponent(c, "first", o, NULL));
  PCODE(ORT_INVALID_ARGUMENT, CreateModelPackageOptionsFromSessionOptions(env, NULL, &none));
  CHECK(!x && !none);
  package->ReleaseModelPackageOptions(o);
  package->ReleaseModelPackageContext(c);
}

/* One variant of one component, in a manifest of its own. */
static void with(OrtErrorCode code, const char *variant) {
  static char text[2000];
  OrtModelPackageContext *c = NULL;
  int n =
      snprintf(text, sizeof text, "{\"schema_version\":\"1.0\",\"components\":{\"a\":{\"variants\":{\"v\":%s}}}}", variant);
  put("manifest.json", text, (size_t)n);
  check_code(code, package->CreateModelPackageContext(root, &c), __LINE__, variant);
  package->ReleaseModelPackageContext(c);
}

static void manifests(void) {
  static const char *const bad[] = {"[]",
                                    "3",
                                    "{}",
                                    "{\"components\":{}}",
                                    "{\"schema_version\":\"2.0\",\"components\":{}}",
                                    "{\"schema_version\":\"1\"}",
                                    "{\"schema_version\":\"1.x\",\"components\":{}}",
                                    "{\"schema_version\":1.0,\"components\":{}}",
                                    "{\"schema_version\":\"1.0\",\"components\":[]}",
                                    "{\"schema_version\":\"1.0\",\"components\":{\"a\":3}}",
                                    "{\"schema_version\":\"1.0\",\"components\":{\"a\":\"nothing\"}}",
                                    "{\"schema_version\":\"1.0\",\"components\":{\"a\":\"../x\"}}",
                                    "{\"schema_version\":\"1.0\",\"components\":{\"a\":\"second\"}}",
                                    "{\"schema_version\":\"1.0\",\"components\":{\"a\":{}}}",
                                    "{\"schema_version\":\"1.0\",\"components\":{},\"zz\":1}",
                                    "{\"schema_version\":\"1.0\",\"components\":{},\"layout\":\"zz\"}",
                                    "{\"schema_version\":\"1.0\",\"components\":{},\"package_name\":1}",
                                    "{\"schema_version\":\"1.0\",\"components\":{},\"shared_assets\":{\"zz\":\"first\"}}",
                                    "{\"schema_version\":\"1.0\",\"components\":{},\"shared_assets\":{\"" ASSET
                                    "\":\"/tmp\"}}"};
  OrtModelPackageContext *c = NULL;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    put("manifest.json", bad[i], strlen(bad[i]));
    check_code(ORT_FAIL, package->CreateModelPackageContext(root, &c), __LINE__, bad[i]);
  }
  for (size_t n = 0; n < sizeof manifest - 1; n++) {
    put("manifest.json", manifest, n);
    PCODE(ORT_FAIL, CreateModelPackageContext(root, &c));
  }
  CHECK(c == NULL);
  with(ORT_OK, "{}");
  with(ORT_FAIL, "[]");
  with(ORT_FAIL, "{\"zz\":1}");
  with(ORT_FAIL, "{\"ep\":1}");
  with(ORT_FAIL, "{\"variant_directory\":\"nothing\"}");
  with(ORT_FAIL, "{\"variant_directory\":\"out\"}");
  with(ORT_FAIL, "{\"variant_directory\":\"first/../second\"}");
  with(ORT_FAIL, "{\"executor_info\":{\"ort\":1}}");
  with(ORT_FAIL, "{\"executor_info\":{\"ort\":\"nothing.json\"}}");
  with(ORT_FAIL, "{\"executor_info\":{\"ort\":{\"model_file\":\"/etc/passwd\"}}}");
  with(ORT_FAIL, "{\"executor_info\":{\"ort\":{\"session_options\":{\"a\":1}}}}");
  with(ORT_FAIL, "{\"executor_info\":{\"ort\":{\"session_options\":{\"session.optimized_model_filepath\":\"x\"}}}}");
  with(ORT_FAIL, "{\"executor_info\":{\"ort\":{\"session_options\":{\"ep.context_file_path\":\"/tmp/x\"}}}}");
  with(ORT_FAIL, "{\"executor_info\":{\"ort\":{\"provider_options\":[]}}}");
  with(ORT_OK, "{\"executor_info\":{\"ort\":{\"provider_options\":{},\"unknown\":1}}}");
  PCODE(ORT_FAIL, CreateModelPackageContext("/no/such/folder", &c));
  static const char installed[] =
      "{\"schema_version\":1,\"layout\":\"installed\",\"components\":{\"a\":{\"variants\":{\"v\":{\"variant_directory\":\"/"
      "etc\"}}}}}";
  put("manifest.json", installed, sizeof installed - 1);
  POK(CreateModelPackageContext(root, &c));
  package->ReleaseModelPackageContext(c);
}

int main(int argc, char **argv) {
  if (!abi_load(argc, argv) || !mkdtemp(root)) return 1;
  package = api->GetModelPackageApi();
  OK(CreateEnv(ORT_LOGGING_LEVEL_FATAL, "package", &env));
  OK(RegisterExecutionProviderLibrary(env, "sample", ORT_TSTR_ON_MACRO(SX_SAMPLE_PROVIDER)));
  const OrtEpDevice *const *all = NULL;
  size_t n = 0;
  OK(GetEpDevices(env, &all, &n));
  for (size_t i = 0; i < n; i++)
    if (!strcmp(api->EpDevice_EpName(all[i]), "SampleProvider")) sample = all[i];
  CHECK(sample != NULL);
  write_package();
  questions();
  references();
  selections();
  manifests();
  api->ReleaseEnv(env);
  char command[100];
  snprintf(command, sizeof command, "rm -r %s", root);
  CHECK(system(command) == 0);
  return abi_end("package");
}
