// SPDX-License-Identifier: MIT
/* Keys of AddRunConfigEntry. Written by tools/gen_keys.py; docs/CONFIG.md says what each does. */
#ifndef SX_ONNXRUNTIME_RUN_OPTIONS_CONFIG_KEYS_H
#define SX_ONNXRUNTIME_RUN_OPTIONS_CONFIG_KEYS_H
/* Honoured. A list as cpu:0;gpu:0 that begins with cpu: the session's memory between runs is given back after this run; another device is refused. */
static const char *const kOrtRunOptionsConfigEnableMemoryArenaShrinkage = "memory.enable_memory_arena_shrinkage";
/* For providers. 1: a provider need not wait for its device at the end of the run. */
static const char *const kOrtRunOptionsConfigDisableSynchronizeExecutionProviders = "disable_synchronize_execution_providers";
/* For providers. */
static const char *const kOrtRunOptionsConfigQnnPerfMode = "qnn.htp_perf_mode";
/* For providers. */
static const char *const kOrtRunOptionsConfigQnnPerfModePostRun = "qnn.htp_perf_mode_post_run";
/* For providers. */
static const char *const kOrtRunOptionsConfigQnnRpcControlLatency = "qnn.rpc_control_latency";
/* For providers. */
static const char *const kOrtRunOptionsConfigQnnLoraConfig = "qnn.lora_config";
/* For providers. The graph to capture or to replay. */
static const char *const kOrtRunOptionsConfigCudaGraphAnnotation = "gpu_graph_id";
#endif
