// SPDX-License-Identifier: MIT
/* Libraries of plugin providers: loading one, asking its factories for devices, giving it back. The environment lists the
 * devices; a library that a session still uses cannot go. */
#include <stdio.h>
#include "abi/plugin/host.h"

static sx_mutex lists; /* guards env->plugins and env->devices; not held while a plugin's function runs */
static sx_mutex coming; /* one library comes or goes at a time: their functions for that write what is global to them */

static sx_ep_library *find(const OrtEnv *env, const char *name, uint32_t *at) {
  for (uint32_t i = 0; i < env->plugins.n; i++)
    if (!strcmp(((sx_ep_library *)env->plugins.at[i])->name, name)) return *at = i, env->plugins.at[i];
  return NULL;
}

static void free_device(OrtEpDevice *d) {
  sx_kvp_clear(&d->metadata);
  sx_kvp_clear(&d->options);
  sx_text_drop(d->name_copy);
  sx_text_drop(d->vendor_copy);
  for (int i = 0; i < SX_EP_MEMORIES; i++) sx_memory_unref(d->memory[i]);
  sx_free(d, sizeof *d);
}
void ORT_API_CALL sx_epapi_ReleaseEpDevice(OrtEpDevice *device) {
  if (device && device->factory) free_device(device);
}

static OrtStatus *check_version(const OrtEpFactory *f, const char **version) {
  static const char none[] = "0.0.0";
  *version = none;
  if (!SX_EP_HAS(f, 23, GetVersion)) return NULL;
  unsigned a, b, c;
  const char *v = f->GetVersion(f);
  if (!v || sscanf(v, "%u.%u.%u", &a, &b, &c) != 3)
    SX_API_FAIL(INVALID_ARGUMENT, "CreateEpDevice: the factory's version '%.60s' is not of the form 1.2.3", v ? v : "NULL");
  *version = v;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_epapi_CreateEpDevice(OrtEpFactory *ep_factory, const OrtHardwareDevice *hardware_device,
                                                const OrtKeyValuePairs *ep_metadata, const OrtKeyValuePairs *ep_options,
                                                OrtEpDevice **ep_device) {
  SX_API_NOT_NULL(ep_factory);
  SX_API_NOT_NULL(hardware_device);
  SX_API_NOT_NULL(ep_device);
  if (ep_metadata && sx_kvp_get(ep_metadata, "version"))
    SX_API_FAIL(INVALID_ARGUMENT, "CreateEpDevice: the metadata may not have 'version', which the factory's GetVersion says");
  const char *name = ep_factory->GetName(ep_factory), *vendor = ep_factory->GetVendor(ep_factory), *version;
  if (!name || !*name || !vendor) SX_API_FAIL(INVALID_ARGUMENT, "CreateEpDevice: the factory has no name or no vendor");
  OrtStatus *failed = check_version(ep_factory, &version);
  if (failed) return failed;
  OrtEpDevice *d = sx_calloc(1, sizeof *d);
  if (!d) SX_API_NO_MEMORY();
  d->factory = ep_factory, d->hardware = hardware_device;
  d->name = d->name_copy = sx_text_dup(name), d->vendor = d->vendor_copy = sx_text_dup(vendor);
  if (!d->name || !d->vendor || (ep_metadata && !sx_kvp_copy(ep_metadata, &d->metadata)) ||
      (ep_options && !sx_kvp_copy(ep_options, &d->options)) || !sx_kvp_set(&d->metadata, "version", version)) {
    free_device(d);
    SX_API_NO_MEMORY();
  }
  *ep_device = d;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_epapi_EpDevice_AddAllocatorInfo(OrtEpDevice *ep_device,
                                                           const OrtMemoryInfo *allocator_memory_info) {
  SX_API_NOT_NULL(ep_device);
  SX_API_NOT_NULL(allocator_memory_info);
  const sx_memory *m = sx_memory_of(allocator_memory_info);
  int at = m->allocator_type == OrtReadOnlyAllocator ? SX_EP_MEMORY_READ_ONLY
           : m->device_mem_type                      ? SX_EP_MEMORY_HOST
                                                     : SX_EP_MEMORY_DEVICE;
  const sx_memory *old = ep_device->memory[at];
  ep_device->memory[at] = sx_memory_ref(m);
  sx_memory_unref(old);
  return NULL;
}

OrtStatus *ORT_API_CALL sx_epapi_CreateHardwareDevice(OrtHardwareDeviceType type, uint32_t vendor_id, uint32_t device_id,
                                                      const char *vendor_name, const OrtKeyValuePairs *metadata,
                                                      OrtHardwareDevice **hardware_device) {
  SX_API_NOT_NULL(hardware_device);
  SX_API_NOT_NULL(vendor_name);
  OrtHardwareDevice *d = sx_calloc(1, sizeof *d);
  if (!d) SX_API_NO_MEMORY();
  d->type = type, d->vendor_id = vendor_id, d->device_id = device_id, d->vendor = sx_text_dup(vendor_name);
  if (!d->vendor || (metadata && !sx_kvp_copy(metadata, &d->metadata))) {
    sx_epapi_ReleaseHardwareDevice(d);
    SX_API_NO_MEMORY();
  }
  *hardware_device = d;
  return NULL;
}

void ORT_API_CALL sx_epapi_ReleaseHardwareDevice(OrtHardwareDevice *device) {
  if (!device) return;
  sx_text_drop((char *)device->vendor);
  sx_kvp_clear(&device->metadata);
  sx_free(device, sizeof *device);
}

/* Is it registered under a name that asks for devices which are not there? */
static bool is_virtual(const char *name) {
  static const char end[] = ".virtual";
  size_t n = strlen(name), m = sizeof end - 1;
  return n >= m && !strcmp(name + n - m, end);
}

static void destroy(OrtEnv *env, sx_ep_library *l) {
  for (uint32_t i = 0; i < l->devices.n; i++) {
    for (int k = 0; k < SX_EP_MEMORIES; k++) {
      OrtEpDevice *d = l->devices.at[i];
      if (!d->memory[k] || !d->allocator[k]) continue;
      (void)sx_env_unshare(env, NULL, d->allocator[k]); /* unless somebody else's has taken its place */
      if (SX_EP_HAS(d->factory, 23, ReleaseAllocator)) d->factory->ReleaseAllocator(d->factory, d->allocator[k]);
    }
    free_device(l->devices.at[i]);
  }
  sx_vec_free(&l->devices);
  for (size_t i = 0; i < l->n_factories; i++) {
    if (l->transfers[i] && l->transfers[i]->Release) l->transfers[i]->Release(l->transfers[i]);
    if (l->factories[i]) sx_api_ReleaseStatus(l->release(l->factories[i]));
  }
  if (l->handle) sx_dl_close(l->handle);
  if (l->allows_virtual) atomic_fetch_sub(&env->virtual_libraries, 1);
  sx_text_drop(l->name);
  sx_text_drop(l->path);
  sx_free(l, sizeof *l);
}

typedef struct asking {
  OrtEpFactory *factory;
  const OrtHardwareDevice *const *machine;
  OrtEpDevice **made;
  size_t n;
  OrtStatus *status;
} asking;
static void call_devices(void *p) {
  asking *a = p;
  a->status = a->factory->GetSupportedDevices(a->factory, a->machine, 1, a->made, SX_EP_MAX_DEVICES, &a->n);
}

/* Devices of one factory: what it makes of the machine's. */
static OrtStatus *ask_devices(OrtEnv *env, sx_ep_library *l, OrtEpFactory *f) {
  const OrtHardwareDevice *machine[1] = {&env->cpu};
  OrtEpDevice *made[SX_EP_MAX_DEVICES] = {0};
  if (!f->GetSupportedDevices) SX_API_FAIL(INVALID_ARGUMENT, "the factory has no GetSupportedDevices");
  asking a = {f, machine, made, 0, NULL};
  OrtStatus *failed = sx_ep_call(call_devices, &a, &a.status);
  const size_t n = a.n;
  if (!failed && n > SX_EP_MAX_DEVICES)
    failed = sx_ort_error(ORT_FAIL, "the factory says that it made %zu devices, there is room for %d", n, SX_EP_MAX_DEVICES);
  for (size_t i = 0; i < SX_EP_MAX_DEVICES; i++) { /* none is freed twice, nor one that is not the factory's */
    bool taken = made[i] && (made[i]->library || !made[i]->factory);
    for (size_t k = 0; made[i] && k < i; k++) taken |= made[i] == made[k];
    if (!taken) continue;
    made[i] = NULL;
    if (!failed) failed = sx_ort_error(ORT_INVALID_ARGUMENT, "device %zu of the factory is listed already", i);
  }
  if (failed) { /* what it made by then is ours */
    for (size_t i = 0; i < SX_EP_MAX_DEVICES; i++) sx_epapi_ReleaseEpDevice(made[i]);
    return failed;
  }
  for (size_t i = 0; i < n; i++) {
    OrtEpDevice *d = made[i];
    if (!d) continue;
    bool listed = !failed && sx_vec_push(&l->devices, d);
    if (listed) d->library = l;
    if (!listed || !sx_kvp_set(&d->metadata, "library_path", l->path)) failed = sx_ort_status(SX_E_NO_MEMORY, NULL);
    if (!listed) free_device(d);
  }
  return failed;
}

/* Allocators that all sessions share, one for each memory that a device said it has. */
static OrtStatus *make_allocators(OrtEnv *env, OrtEpDevice *d) {
  for (int k = 0; k < SX_EP_MEMORIES; k++) {
    if (!d->memory[k] || d->memory[k]->allocator_type == OrtReadOnlyAllocator || !SX_EP_HAS(d->factory, 23, CreateAllocator))
      continue;
    const OrtMemoryInfo *info = (const OrtMemoryInfo *)d->memory[k];
    OrtStatus *failed = d->factory->CreateAllocator(d->factory, info, NULL, &d->allocator[k]);
    if (!failed && d->allocator[k]) failed = sx_api_RegisterAllocator(env, d->allocator[k]);
    if (failed) return failed;
  }
  return NULL;
}

static int memory_kind(OrtDeviceMemoryType t) {
  return t == OrtDeviceMemoryType_DEFAULT ? SX_EP_MEMORY_DEVICE : SX_EP_MEMORY_HOST;
}

OrtStatus *ORT_API_CALL sx_api_ReleaseSharedAllocator(OrtEnv *env, const OrtEpDevice *ep_device,
                                                      OrtDeviceMemoryType mem_type) {
  SX_API_NOT_NULL(env);
  SX_API_NOT_NULL(ep_device);
  OrtEpDevice *d = (OrtEpDevice *)ep_device;
  int k = memory_kind(mem_type);
  if (!d->memory[k]) SX_API_FAIL(INVALID_ARGUMENT, "ReleaseSharedAllocator: the device has no memory of its own");
  if (!d->allocator[k]) return NULL;
  if (d->library && atomic_load(&d->library->users))
    SX_API_FAIL(FAIL, "the allocator of '%.60s' is in use by a session: release the sessions first", d->name);
  (void)sx_env_unshare(env, NULL, d->allocator[k]);
  if (SX_EP_HAS(d->factory, 23, ReleaseAllocator)) d->factory->ReleaseAllocator(d->factory, d->allocator[k]);
  d->allocator[k] = NULL;
  return NULL;
}

OrtStatus *ORT_API_CALL sx_api_CreateSharedAllocator(OrtEnv *env, const OrtEpDevice *ep_device,
                                                     OrtDeviceMemoryType mem_type, OrtAllocatorType allocator_type,
                                                     const OrtKeyValuePairs *allocator_options, OrtAllocator **allocator) {
  SX_API_NOT_NULL(env);
  SX_API_NOT_NULL(ep_device);
  OrtEpDevice *d = (OrtEpDevice *)ep_device;
  int k = memory_kind(mem_type);
  if (!d->memory[k] || !SX_EP_HAS(d->factory, 23, CreateAllocator))
    SX_API_FAIL(INVALID_ARGUMENT, "CreateSharedAllocator: the device has no memory of its own");
  if (allocator_options && allocator_options->lost) SX_API_NO_MEMORY();
  OrtStatus *failed = sx_api_ReleaseSharedAllocator(env, ep_device, mem_type); /* the new one takes its place */
  const OrtMemoryInfo *info = (const OrtMemoryInfo *)d->memory[k];
  if (!failed) failed = d->factory->CreateAllocator(d->factory, info, allocator_options, &d->allocator[k]);
  if (!failed && d->allocator[k]) failed = sx_api_RegisterAllocator(env, d->allocator[k]);
  if (!failed && allocator) *allocator = d->allocator[k];
  return failed;
}

typedef struct beginning {
  OrtEnv *env;
  sx_ep_library *l;
  CreateEpApiFactoriesFn create;
  OrtStatus *status;
} beginning;
static void call_create(void *p) {
  beginning *b = p;
  sx_ep_library *l = b->l;
  b->status = b->create(l->name, OrtGetApiBase(), &b->env->logger, l->factories, SX_EP_MAX_FACTORIES, &l->n_factories);
}

static OrtStatus *start(OrtEnv *env, sx_ep_library *l) {
  CreateEpApiFactoriesFn create = (CreateEpApiFactoriesFn)sx_dl_symbol(l->handle, "CreateEpFactories");
  l->release = (ReleaseEpApiFactoryFn)sx_dl_symbol(l->handle, "ReleaseEpFactory");
  if (sx_dl_symbol(l->handle, "GetProvider"))
    SX_API_FAIL(FAIL,
                "'%.300s' is a provider bridge, built for one version of ONNX Runtime's private C++ classes, and cannot be "
                "loaded here: use the plugin build of that provider (a library with CreateEpFactories alone)",
                l->path);
  if (!create || !l->release)
    SX_API_FAIL(FAIL, "'%.300s' is no provider library: it does not export CreateEpFactories and ReleaseEpFactory", l->path);
  beginning b = {env, l, create, NULL};
  OrtStatus *failed = sx_ep_call(call_create, &b, &b.status);
  if (failed) {
    l->n_factories = 0;
    return failed;
  }
  if (l->n_factories > SX_EP_MAX_FACTORIES) {
    l->n_factories = SX_EP_MAX_FACTORIES;
    SX_API_FAIL(FAIL, "'%.300s' says that it made more factories than there is room for (4)", l->path);
  }
  for (size_t i = 0; i < l->n_factories && !failed; i++) {
    OrtEpFactory *f = l->factories[i];
    if (!f || !f->GetName || !f->GetVendor || !f->CreateEp || !f->ReleaseEp)
      SX_API_FAIL(INVALID_ARGUMENT, "'%.300s': factory %zu lacks GetName, GetVendor, CreateEp or ReleaseEp", l->path, i);
    failed = ask_devices(env, l, f);
    if (!failed && SX_EP_HAS(f, 23, CreateDataTransfer)) failed = f->CreateDataTransfer(f, &l->transfers[i]);
  }
  for (uint32_t i = 0; i < l->devices.n && !failed; i++) failed = make_allocators(env, l->devices.at[i]);
  return failed;
}

/* The list of devices without those of one library and with those of another. Callers hold pointers into the list, also while
 * somebody registers: a new one is made, and the old ones go with the environment. */
static bool list_devices(OrtEnv *env, const sx_ep_library *without, const sx_ep_library *with) {
  uint32_t most = env->devices.n + (with ? with->devices.n : 0), n = 0;
  const OrtEpDevice **fresh = sx_malloc(((size_t)most + 1) * sizeof *fresh);
  sx_old_list old = {env->devices.at, (size_t)env->devices.cap * sizeof *fresh};
  if (!fresh || !sx_vec_push(&env->old_devices, old)) {
    sx_free(fresh, ((size_t)most + 1) * sizeof *fresh);
    return false;
  }
  for (uint32_t i = 0; i < env->devices.n; i++)
    if (!without || env->devices.at[i]->library != without) fresh[n++] = env->devices.at[i];
  for (uint32_t i = 0; with && i < with->devices.n; i++) fresh[n++] = with->devices.at[i];
  env->devices.at = fresh, env->devices.n = n, env->devices.cap = most + 1;
  return true;
}

static OrtStatus *publish(OrtEnv *env, sx_ep_library *l) {
  OrtStatus *failed = NULL;
  uint32_t at;
  sx_mutex_lock(&lists);
  if (find(env, l->name, &at))
    failed = sx_ort_error(ORT_FAIL, "a provider library is registered as '%.100s' already", l->name);
  else if (!sx_vec_reserve(&env->plugins, env->plugins.n + 1) || !list_devices(env, NULL, l))
    failed = sx_ort_status(SX_E_NO_MEMORY, NULL);
  else
    env->plugins.at[env->plugins.n++] = l;
  sx_mutex_unlock(&lists);
  return failed;
}

OrtStatus *ORT_API_CALL sx_api_RegisterExecutionProviderLibrary(OrtEnv *env, const char *registration_name,
                                                                const ORTCHAR_T *path) {
  SX_API_NOT_NULL(env);
  SX_API_NOT_NULL(registration_name);
  SX_API_NOT_NULL(path);
  char why[400];
  uint32_t at;
  sx_path text;
  if (!sx_path_open(&text, path)) SX_API_NO_MEMORY();
  sx_mutex_lock(&coming);
  sx_mutex_lock(&lists);
  bool taken = find(env, registration_name, &at) != NULL;
  sx_mutex_unlock(&lists);
  if (taken) {
    sx_mutex_unlock(&coming);
    sx_path_close(&text);
    SX_API_FAIL(FAIL, "a provider library is registered as '%.100s' already", registration_name);
  }
  sx_ep_library *l = sx_calloc(1, sizeof *l);
  OrtStatus *failed = NULL;
  if (!l || !(l->name = sx_text_dup(registration_name)) || !(l->path = sx_text_dup(text.p)))
    failed = sx_ort_status(SX_E_NO_MEMORY, NULL);
  sx_path_close(&text);
  if (!failed && !(l->handle = sx_dl_open_near(l->path, why, sizeof why)))
    failed = sx_ort_error(ORT_FAIL, "the provider library '%.300s' cannot be loaded: %s", l->path, why);
  if (!failed && (l->allows_virtual = is_virtual(registration_name))) atomic_fetch_add(&env->virtual_libraries, 1);
  if (!failed) failed = start(env, l);
  if (!failed) failed = publish(env, l);
  if (failed && l) destroy(env, l);
  sx_mutex_unlock(&coming);
  return failed;
}

OrtStatus *ORT_API_CALL sx_api_UnregisterExecutionProviderLibrary(OrtEnv *env, const char *registration_name) {
  SX_API_NOT_NULL(env);
  SX_API_NOT_NULL(registration_name);
  uint32_t at = 0;
  sx_mutex_lock(&lists);
  sx_ep_library *l = find(env, registration_name, &at);
  uint32_t users = l ? atomic_load(&l->users) : 0;
  bool unlisted = l && !users && list_devices(env, l, NULL);
  if (unlisted) {
    for (uint32_t k = at + 1; k < env->plugins.n; k++) env->plugins.at[k - 1] = env->plugins.at[k];
    env->plugins.n--;
  }
  sx_mutex_unlock(&lists);
  if (!l) SX_API_FAIL(FAIL, "no provider library is registered as '%.100s'", registration_name);
  if (users)
    SX_API_FAIL(FAIL, "the provider library '%.100s' is in use by %u session%s: release them first", registration_name,
                (unsigned)users, users == 1 ? "" : "s");
  if (!unlisted) SX_API_NO_MEMORY();
  sx_mutex_lock(&coming);
  destroy(env, l);
  sx_mutex_unlock(&coming);
  return NULL;
}

void sx_env_close_plugins(OrtEnv *env) {
  while (env->plugins.n) destroy(env, env->plugins.at[--env->plugins.n]);
  sx_vec_free(&env->plugins);
  sx_vec_free(&env->devices);
  for (uint32_t i = 0; i < env->old_devices.n; i++) sx_free(env->old_devices.at[i].at, env->old_devices.at[i].bytes);
  sx_vec_free(&env->old_devices);
}

void sx_ep_library_drop(sx_ep_library *l) {
  if (l) atomic_fetch_sub(&l->users, 1);
}

/* The library after l (NULL: the first), held; l is let go of. */
static sx_ep_library *next(const OrtEnv *env, sx_ep_library *l) {
  uint32_t i = 0;
  sx_mutex_lock(&lists);
  while (l && env->plugins.at[i++] != l) continue; /* it is there: it is held */
  sx_ep_library *after = i < env->plugins.n ? env->plugins.at[i] : NULL;
  if (after) atomic_fetch_add(&after->users, 1);
  sx_mutex_unlock(&lists);
  sx_ep_library_drop(l);
  return after;
}

OrtDataTransferImpl *sx_env_transfer(const OrtEnv *env, const sx_memory *from, const sx_memory *to, sx_ep_library **held) {
  *held = NULL;
  if (sx_memory_is_host(from) && sx_memory_is_host(to)) return NULL;
  while ((*held = next(env, *held)) != NULL)
    for (size_t k = 0; k < (*held)->n_factories; k++) {
      OrtDataTransferImpl *t = (*held)->transfers[k];
      if (t && t->CanCopy && t->CopyTensors && t->CanCopy(t, (const OrtMemoryDevice *)from, (const OrtMemoryDevice *)to))
        return t;
    }
  return NULL;
}

OrtStatus *sx_ep_library_of(const OrtEnv *env, const OrtEpDevice *device, sx_ep_library **held) {
  bool listed = false;
  *held = NULL;
  sx_mutex_lock(&lists);
  for (uint32_t i = 0; i < env->devices.n && !listed; i++) listed = env->devices.at[i] == device;
  if (listed && (*held = device->library) != NULL) atomic_fetch_add(&(*held)->users, 1);
  sx_mutex_unlock(&lists);
  if (!listed) SX_API_FAIL(INVALID_ARGUMENT, "a device of the session is of no provider library that is registered");
  return NULL;
}

void sx_env_devices_hold(const OrtEnv *env, const OrtEpDevice *const **list, size_t *n) {
  sx_mutex_lock(&lists);
  *list = env->devices.at, *n = env->devices.n;
  for (size_t i = 0; i < *n; i++)
    if ((*list)[i]->library) atomic_fetch_add(&(*list)[i]->library->users, 1);
  sx_mutex_unlock(&lists);
}
void sx_env_devices_drop(const OrtEpDevice *const *list, size_t n) {
  for (size_t i = 0; i < n; i++) sx_ep_library_drop(list[i]->library);
}

OrtStatus *ORT_API_CALL sx_api_GetEpDevices(const OrtEnv *env, const OrtEpDevice *const **ep_devices,
                                            size_t *num_ep_devices) {
  SX_API_NOT_NULL(env);
  SX_API_NOT_NULL(ep_devices);
  SX_API_NOT_NULL(num_ep_devices);
  sx_mutex_lock(&lists);
  *ep_devices = env->devices.at;
  *num_ep_devices = env->devices.n;
  sx_mutex_unlock(&lists);
  return NULL;
}
