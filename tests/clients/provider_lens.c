// SPDX-License-Identifier: MIT
/* Shows a plugin provider another machine than there is, so that it can be hosted without its hardware: a provider library of
 * its own that passes everything on to the one that LENS_PROVIDER names, but for the answers about a device: LENS_VENDOR is the
 * vendor of every one, LENS_TYPE the kind (1: GPU) of the CPU. */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include "onnxruntime_c_api.h"

static const OrtApiBase *host;
static const OrtApi *real;
static OrtApi table; /* the host's, with two slots of ours */
static void *provider;

static uint32_t ORT_API_CALL vendor(const OrtHardwareDevice *d) { return (void)d, (uint32_t)strtoul(getenv("LENS_VENDOR"), NULL, 0); }
static OrtHardwareDeviceType ORT_API_CALL type(const OrtHardwareDevice *d) {
  OrtHardwareDeviceType t = real->HardwareDevice_Type(d);
  return t == OrtHardwareDeviceType_CPU ? (OrtHardwareDeviceType)atoi(getenv("LENS_TYPE")) : t;
}
static const OrtApi *ORT_API_CALL get_api(uint32_t version) {
  real = host->GetApi(version);
  if (!real) return NULL;
  memcpy(&table, host->GetApi(ORT_API_VERSION), sizeof table);
  if (getenv("LENS_VENDOR")) table.HardwareDevice_VendorId = vendor;
  if (getenv("LENS_TYPE")) table.HardwareDevice_Type = type;
  return &table;
}
static const char *ORT_API_CALL version_text(void) { return host->GetVersionString(); }

OrtStatus *CreateEpFactories(const char *name, const OrtApiBase *base, const OrtLogger *logger, OrtEpFactory **out, size_t max,
                             size_t *n);
OrtStatus *ReleaseEpFactory(OrtEpFactory *factory);

OrtStatus *CreateEpFactories(const char *name, const OrtApiBase *base, const OrtLogger *logger, OrtEpFactory **out, size_t max,
                             size_t *n) {
  static const OrtApiBase mine = {get_api, version_text};
  CreateEpApiFactoriesFn create;
  host = base;
  if (!provider) provider = dlopen(getenv("LENS_PROVIDER"), RTLD_NOW | RTLD_LOCAL);
  void *f = provider ? dlsym(provider, "CreateEpFactories") : NULL;
  memcpy(&create, &f, sizeof f);
  return f ? create(name, &mine, logger, out, max, n) : base->GetApi(24)->CreateStatus(ORT_FAIL, "no provider behind the lens");
}
OrtStatus *ReleaseEpFactory(OrtEpFactory *factory) {
  ReleaseEpApiFactoryFn release;
  void *f = dlsym(provider, "ReleaseEpFactory");
  memcpy(&release, &f, sizeof f);
  return release(factory);
}
