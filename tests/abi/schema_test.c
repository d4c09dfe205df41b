// SPDX-License-Identifier: MIT
/* What a provider may ask of an operator's schema (OrtEpApi): the version in force, names, and which types go together. */
#include "abi.h"

static const OrtEpApi *ep;
#define E(code, call) check_code((code), ep->call, __LINE__, #call)

static int has(const char *const *list, size_t n, const char *what) {
  for (size_t i = 0; i < n; i++)
    if (!strcmp(list[i], what)) return 1;
  return 0;
}

/* Type parameter `name`: allows one type, and not another; stands for these inputs and outputs (bits). */
static void constraint(const OrtOpSchemaTypeConstraint *c, const char *name, const char *allows, const char *refuses,
                       unsigned inputs, unsigned outputs) {
  const char *is = NULL, *const *types = NULL;
  const size_t *in = NULL, *out = NULL;
  size_t n_types = 0, n_in = 0, n_out = 0;
  unsigned got_in = 0, got_out = 0;
  E(ORT_OK, OpSchemaTypeConstraint_GetTypeParamName(c, &is));
  E(ORT_OK, OpSchemaTypeConstraint_GetAllowedTypes(c, &types, &n_types));
  E(ORT_OK, OpSchemaTypeConstraint_GetInputIndices(c, &in, &n_in));
  E(ORT_OK, OpSchemaTypeConstraint_GetOutputIndices(c, &out, &n_out));
  for (size_t i = 0; i < n_in; i++) got_in |= 1u << in[i];
  for (size_t i = 0; i < n_out; i++) got_out |= 1u << out[i];
  CHECK(is && !strcmp(is, name) && has(types, n_types, allows) && !has(types, n_types, refuses));
  CHECK(got_in == inputs && got_out == outputs);
}

int main(int argc, char **argv) {
  if (!abi_load(argc, argv)) return 1;
  OrtEnv *env = NULL;
  OK(CreateEnv(ORT_LOGGING_LEVEL_FATAL, "schema", &env));
  ep = api->GetEpApi();
  OrtOpSchema *s = NULL;
  const OrtOpSchemaTypeConstraint *c = NULL, *again = NULL;
  const char *name = NULL;
  int version = 0;
  size_t n = 0;
  E(ORT_OK, GetOpSchema("Gather", 12, "", &s));
  CHECK(s != NULL);
  if (!s) return abi_end("schema");
  E(ORT_OK, OpSchema_GetSinceVersion(s, &version));
  CHECK(version == 11); /* the one in force at 12 */
  E(ORT_OK, OpSchema_GetNumInputs(s, &n));
  CHECK(n == 2);
  E(ORT_OK, OpSchema_GetNumOutputs(s, &n));
  CHECK(n == 1);
  E(ORT_OK, OpSchema_GetInputName(s, 1, &name));
  CHECK(name && !strcmp(name, "indices"));
  E(ORT_OK, OpSchema_GetOutputName(s, 0, &name));
  CHECK(name && !strcmp(name, "output"));
  E(ORT_OK, OpSchema_GetTypeConstraintCount(s, &n));
  CHECK(n == 2);
  E(ORT_OK, OpSchema_GetInputTypeConstraint(s, 0, &c));
  E(ORT_OK, OpSchema_GetOutputTypeConstraint(s, 0, &again));
  CHECK(c && c == again);
  constraint(c, "T", "tensor(string)", "seq(tensor(float))", 1, 1);
  E(ORT_OK, OpSchema_GetInputTypeConstraint(s, 1, &c));
  constraint(c, "Tind", "tensor(int64)", "tensor(float)", 2, 0);
  ep->ReleaseOpSchema(s);
  E(ORT_OK, GetOpSchema("QuickGelu", 1, "com.microsoft", &s));
  CHECK(s != NULL);
  ep->ReleaseOpSchema(s);
  s = (OrtOpSchema *)&n;
  OrtStatus *none = ep->GetOpSchema("NoSuchOperator", 17, "", &s); /* a status, or nothing: never something */
  CHECK(none || !s);
  api->ReleaseStatus(none);
  api->ReleaseEnv(env);
  return abi_end("schema");
}
