// SPDX-License-Identifier: MIT
/* Keys of an environment's configuration (CreateEnvWithOptions). Written by tools/gen_keys.py; docs/CONFIG.md says what each does. */
#ifndef SX_ONNXRUNTIME_ENV_CONFIG_KEYS_H
#define SX_ONNXRUNTIME_ENV_CONFIG_KEYS_H
/* For providers. 1: providers may offer devices that are not there. */
static const char *const kOrtEnvAllowVirtualDevices = "allow_virtual_devices";
#endif
