// SPDX-License-Identifier: MIT
/* A model package in memory: read and checked once, then only looked at. A selected component holds its package, so that
 * either handle may be released first. */
#ifndef SX_ABI_PACKAGE_H
#define SX_ABI_PACKAGE_H
#include "abi/handles.h"
#include "base/json_read.h"

typedef struct sx_package_variant {
  const char *name, *ep, *device, *compatibility; /* NULL where the manifest has none */
  const char *folder;                             /* resolved; NULL: there is none */
  const char *model;                              /* path; NULL: not said */
  OrtKeyValuePairs session, provider;             /* what the manifest sets; paths are resolved */
} sx_package_variant;

typedef struct sx_package_component {
  const char *name, **variant_names;
  sx_package_variant *variants;
  uint32_t n;
} sx_package_component;

struct OrtModelPackageContext {
  _Atomic uint32_t refs;
  sx_arena arena;   /* everything but key-value pairs and `answer` */
  const char *root; /* resolved */
  bool installed;   /* paths may lead anywhere */
  int64_t schema;
  const sx_json *assets; /* "sha256:<hex>": path, or NULL */
  const char **names;
  sx_package_component *components;
  uint32_t n;
  char *answer; /* of ModelPackage_ResolveStringRef */
};

/* NULL when there is no component of this name. */
const sx_package_component *sx_package_find(const OrtModelPackageContext *ctx, const char *name);
/* Does a session option of this name hold a path? */
bool sx_package_key_is_path(const char *key);
#endif
