// SPDX-License-Identifier: MIT
/* Keys of AddSessionConfigEntry and SetEpDynamicOptions. Written by tools/gen_keys.py; docs/CONFIG.md says what each does. */
#ifndef SX_ONNXRUNTIME_SESSION_OPTIONS_CONFIG_KEYS_H
#define SX_ONNXRUNTIME_SESSION_OPTIONS_CONFIG_KEYS_H
/* Honoured. 0: idle threads sleep at once; 1, the default: they spin for a while. */
static const char *const kOrtSessionOptionsConfigAllowIntraOpSpinning = "session.intra_op.allow_spinning";
/* Changes nothing. Nodes run one after the other, in parallel inside: there is no second pool. */
static const char *const kOrtSessionOptionsConfigAllowInterOpSpinning = "session.inter_op.allow_spinning";
/* Honoured. Microseconds for which an idle thread spins, at most 100,000; 100 by default. */
static const char *const kOrtSessionOptionsConfigIntraOpSpinDurationUs = "session.intra_op.spin_duration_us";
/* Changes nothing. There is no second pool. */
static const char *const kOrtSessionOptionsConfigInterOpSpinDurationUs = "session.inter_op.spin_duration_us";
/* Changes nothing. The pool's spinning backs off by itself. */
static const char *const kOrtSessionOptionsConfigIntraOpSpinBackoffMax = "session.intra_op.spin_backoff_max";
/* Changes nothing. There is no second pool. */
static const char *const kOrtSessionOptionsConfigInterOpSpinBackoffMax = "session.inter_op.spin_backoff_max";
/* Changes nothing. After a run threads spin for 25 microseconds at most. */
static const char *const kOrtSessionOptionsConfigForceSpinningStop = "session.force_spinning_stop";
/* Honoured. Processors of each worker, as 1,2;3-4: one part per thread but the caller's. */
static const char *const kOrtSessionOptionsConfigIntraOpThreadAffinities = "session.intra_op_thread_affinities";
/* Changes nothing. Work is always handed out in shares that shrink; results do not depend on it. */
static const char *const kOrtSessionOptionsConfigDynamicBlockBase = "session.dynamic_block_base";
/* Honoured. 1: denormal numbers count as zero while the session runs, on the calling thread too, which gets its mode back. */
static const char *const kOrtSessionOptionsConfigSetDenormalAsZero = "session.set_denormal_as_zero";
/* Changes nothing. There is one logic stream. */
static const char *const kNodePartitionConfigFile = "session.node_partition_config_file";
/* Honoured. ORT or ONNX: the format of the model; else it is seen from the bytes. */
static const char *const kOrtSessionOptionsConfigLoadModelFormat = "session.load_model_format";
/* Honoured. ORT: the optimised model in ORT format; else by the path's end. */
static const char *const kOrtSessionOptionsConfigSaveModelFormat = "session.save_model_format";
/* Honoured. 1: the caller keeps the model's bytes as long as the session lives, and they are not copied. */
static const char *const kOrtSessionOptionsConfigUseORTModelBytesDirectly = "session.use_ort_model_bytes_directly";
/* Changes nothing. Weights always point into the model's bytes, where these stay. */
static const char *const kOrtSessionOptionsConfigUseORTModelBytesForInitializers = "session.use_ort_model_bytes_for_initializers";
/* Changes nothing. Files are always mapped. */
static const char *const kOrtSessionOptionsConfigUseMemoryMappedOrtModel = "session.use_memory_mapped_ort_model";
/* Honoured. The folder of external data, instead of the model's own; for models in memory, too. */
static const char *const kOrtSessionOptionsModelExternalInitializersFileFolderPath = "session.model_external_initializers_file_folder_path";
/* Honoured. The file for the optimised model's weights, beside it. */
static const char *const kOrtSessionOptionsOptimizedModelExternalInitializersFileName = "session.optimized_model_external_initializers_file_name";
/* Honoured. Smaller weights stay in the optimised model; 1024 by default. */
static const char *const kOrtSessionOptionsOptimizedModelExternalInitializersMinSizeInBytes = "session.optimized_model_external_initializers_min_size_in_bytes";
/* Changes nothing. Packed weights depend on the machine and are made in parallel from the mapped file. */
static const char *const kOrtSessionOptionsSavePrePackedConstantInitializers = "session.save_external_prepacked_constant_initializers";
/* Changes nothing. A model of a newer operator set loads if its operators are known. */
static const char *const kOrtSessionOptionsConfigStrictAllowReleasedOpsetsOnly = "session.allow_released_opsets_only";
/* Changes nothing. A contradiction of shapes or types is always an error. */
static const char *const kOrtSessionOptionsConfigStrictShapeTypeInference = "session.strict_shape_type_inference";
/* Honoured. Passes left out, by our name or by ONNX Runtime's, commas between. */
static const char *const kOrtSessionOptionsDisableSpecifiedOptimizers = "optimization.disable_specified_optimizers";
/* Changes nothing. Folding has a limit of its own, below that one's default. */
static const char *const kOrtSessionOptionsConstantFoldingMaxOutputSizeInBytes = "optimization.constant_folding_max_output_size_in_bytes";
/* Changes nothing. Gelu is fast in its exact form. */
static const char *const kOrtSessionOptionsEnableGeluApproximation = "optimization.enable_gelu_approximation";
/* Changes nothing. Chains of casts are shortened where no value changes by it. */
static const char *const kOrtSessionOptionsEnableCastChainElimination = "optimization.enable_cast_chain_elimination";
/* Changes nothing. There is no minimal build. */
static const char *const kOrtSessionOptionsConfigMinimalBuildOptimizations = "optimization.minimal_build_optimizations";
/* Changes nothing. For training builds. */
static const char *const kOrtSessionOptionsMemoryOptimizerApplyConfig = "optimization.memory_optimizer_config";
/* Changes nothing. For training builds. */
static const char *const kOrtSessionOptionsMemoryOptimizerProbeConfig = "optimization.enable_memory_probe_recompute_config";
/* Changes nothing. Passes repeat as long as they find something. */
static const char *const kOrtSessionOptionsGraphOptimizationsLoopLevel = "session.graph_optimizations_loop_level";
/* Changes nothing. Functions are inlined where no kernel takes them whole. */
static const char *const kOrtSessionOptionsDisableAheadOfTimeFunctionInlining = "session.disable_aot_function_inlining";
/* Changes nothing. Results are those of the model as written either way. */
static const char *const kOrtSessionOptionsDisableQuantQDQ = "session.disable_quant_qdq";
/* Changes nothing. Weights that a quantised kernel takes stay quantised. */
static const char *const kOrtSessionOptionsDisableQDQConstantFolding = "session.disable_qdq_constant_folding";
/* Changes nothing. No pair is removed that changes a value. */
static const char *const kOrtSessionOptionsDisableDoubleQDQRemover = "session.disable_double_qdq_remover";
/* Changes nothing. No pair is removed that changes a value. */
static const char *const kOrtSessionOptionsEnableQuantQDQCleanup = "session.enable_quant_qdq_cleanup";
/* Changes nothing. Signed and unsigned 8 bits have the same kernels. */
static const char *const kOrtSessionOptionsQDQIsInt8Allowed = "session.qdqisint8allowed";
/* Changes nothing. 8-bit products never saturate on their way. */
static const char *const kOrtSessionOptionsAvx2PrecisionMode = "session.x64quantprecision";
/* Changes nothing. Products with 4-bit weights take them quantised by themselves. */
static const char *const kOrtSessionOptionsEnableDQMatMulNBitsFusion = "session.enable_dq_matmulnbits_fusion";
/* Changes nothing. Results are those of float arithmetic. */
static const char *const kOrtSessionOptionsQDQMatMulNBitsAccuracyLevel = "session.qdq_matmulnbits_accuracy_level";
/* Changes nothing. Blocks are those of the model. */
static const char *const kOrtSessionOptionsQDQMatMulNBitsBlockSize = "session.qdq_matmulnbits_block_size";
/* Changes nothing. Products of floats keep the accuracy of floats. */
static const char *const kOrtSessionOptionsMlasGemmFastMathArm64Bfloat16 = "mlas.enable_gemm_fastmath_arm64_bfloat16";
/* Changes nothing. Kernels are chosen by the machine. */
static const char *const kOrtSessionOptionsMlasLutGemm = "mlas.use_lut_gemm";
/* Changes nothing. There is no such library inside. */
static const char *const kOrtSessionOptionsMlasDisableKleidiAi = "mlas.disable_kleidiai";
/* Changes nothing. There is no such library inside. */
static const char *const kOrtSessionOptionsMlasKleidiAiConvIgemmMaxWork = "mlas.kleidiai.conv_igemm_max_work";
/* Changes nothing. `sardonyx explain` shows the graph that runs. */
static const char *const kDebugLayoutTransformation = "session.debug_layout_transformation";
/* Changes nothing. Weights are packed once, in parallel, and what was packed gives its pages back. */
static const char *const kOrtSessionOptionsConfigDisablePrepacking = "session.disable_prepacking";
/* Changes nothing. Sessions share one allocator; the slab of a run is the library's own. */
static const char *const kOrtSessionOptionsConfigUseEnvAllocators = "session.use_env_allocators";
/* Changes nothing. Weights stay where the file is mapped. */
static const char *const kOrtSessionOptionsUseDeviceAllocatorForInitializers = "session.use_device_allocator_for_initializers";
/* Changes nothing. `sardonyx explain` has the memory of every step. */
static const char *const kOrtSessionOptionsCollectNodeMemoryStatsToFile = "session.collect_node_memory_stats_to_file";
/* Changes nothing. An estimate for devices; sizes are exact here, per run. */
static const char *const kOrtSessionOptionsMaxShapeOverride = "session.max_shape_override";
/* For providers. 1: an error if a node is left to the CPU that a requested provider did not take. */
static const char *const kOrtSessionOptionsDisableCPUEPFallback = "session.disable_cpu_ep_fallback";
/* Honoured. 1: Session_GetEpGraphAssignmentInfo answers. */
static const char *const kOrtSessionOptionsRecordEpGraphAssignmentInfo = "session.record_ep_graph_assignment_info";
/* Changes nothing. Places layers on devices by annotations; nodes go to the first provider that takes them. */
static const char *const kOrtSessionOptionsLayerAssignmentSettings = "session.layer_assignment_settings";
/* Changes nothing. The same by names. */
static const char *const kOrtSessionOptionsNameBasedLayerAssignment = "session.name_based_layer_assignment";
/* Honoured. KILOBYTES, and a comma: a provider named CUDAExecutionProvider has nodes until their weights and results fill them; a comma alone: as much as it says it has (GetAvailableResource). A file behind the comma is not read. */
static const char *const kOrtSessionOptionsResourceCudaPartitioningSettings = "session.resource_cuda_partitioning_settings";
/* For providers. 1: an error if a provider would have to compile. */
static const char *const kOrtSessionOptionsDisableModelCompile = "session.disable_model_compile";
/* For providers. 1: an error if a compiled model should be compiled anew. */
static const char *const kOrtSessionOptionsFailOnSuboptimalCompiledModel = "session.fail_on_suboptimal_compiled_model";
/* For providers. Set by CompileModel. */
static const char *const kOrtSessionOptionCompileOnly = "session.compile_only";
/* For providers. Writes what a provider compiled. */
static const char *const kOrtSessionOptionEpContextEnable = "ep.context_enable";
/* Honoured. Where to. */
static const char *const kOrtSessionOptionEpContextFilePath = "ep.context_file_path";
/* Honoured. 1: the provider's data inside of the model. */
static const char *const kOrtSessionOptionEpContextEmbedMode = "ep.context_embed_mode";
/* For providers. */
static const char *const kOrtSessionOptionEpContextNodeNamePrefix = "ep.context_node_name_prefix";
/* For providers. */
static const char *const kOrtSessionOptionShareEpContexts = "ep.share_ep_contexts";
/* For providers. */
static const char *const kOrtSessionOptionStopShareEpContexts = "ep.stop_share_ep_contexts";
/* For providers. */
static const char *const kOrtSessionOptionsEpContextModelExternalInitializersFileName = "ep.context_model_external_initializers_file_name";
/* For providers. */
static const char *const kOrtSessionOptionEpEnableWeightlessEpContextNodes = "ep.enable_weightless_ep_context_nodes";
/* Honoured. Set by the compile interface. */
static const char *const kOrtSessionOptionEpEnableWeightless = "ep.enable_weightless";
/* For providers. */
static const char *const kOrtSessionOptionEpContextSourceModelPath = "ep.context_source_model_path";
/* For providers. */
static const char *const kOrtSessionOptionsConfigNnapiEpPartitioningStopOps = "ep.nnapi.partitioning_stop_ops";
/* Changes nothing. SetIntraOpNumThreads is the way. */
static const char *const kOrtSessionOptionsConfigIntraOpNumThreads = "session.intra_op_num_threads";
/* Changes nothing. SetInterOpNumThreads. */
static const char *const kOrtSessionOptionsConfigInterOpNumThreads = "session.inter_op_num_threads";
/* Changes nothing. EnableCpuMemArena. */
static const char *const kOrtSessionOptionsConfigEnableCpuMemArena = "session.enable_cpu_mem_arena";
/* Changes nothing. EnableMemPattern. */
static const char *const kOrtSessionOptionsConfigEnableMemPattern = "session.enable_mem_pattern";
/* Changes nothing. SetSessionLogId. */
static const char *const kOrtSessionOptionsConfigLogId = "session.log_id";
/* Changes nothing. SetSessionLogSeverityLevel. */
static const char *const kOrtSessionOptionsConfigLogSeverityLevel = "session.log_severity_level";
/* Changes nothing. SetSessionLogVerbosityLevel. */
static const char *const kOrtSessionOptionsConfigLogVerbosityLevel = "session.log_verbosity_level";
/* Changes nothing. EnableProfiling. */
static const char *const kOrtSessionOptionsConfigEnableProfiling = "session.enable_profiling";
/* Changes nothing. SetSessionGraphOptimizationLevel. */
static const char *const kOrtSessionOptionsConfigGraphOptimizationLevel = "session.graph_optimization_level";
/* Changes nothing. SetOptimizedModelFilePath. */
static const char *const kOrtSessionOptionsConfigOptimizedModelFilePath = "session.optimized_model_filepath";
/* Changes nothing. SetSessionExecutionMode. */
static const char *const kOrtSessionOptionsConfigExecutionMode = "session.execution_mode";
/* Changes nothing. DisablePerSessionThreads. */
static const char *const kOrtSessionOptionsConfigUsePerSessionThreads = "session.use_per_session_threads";
/* Changes nothing. SetDeterministicCompute; results do not depend on threads or time anyway. */
static const char *const kOrtSessionOptionsConfigUseDeterministicCompute = "session.use_deterministic_compute";
/* For providers. */
static const char *const kOrtEpDynamicOptionsWorkloadType = "ep.dynamic.workload_type";
/* For providers. */
static const char *const kOrtEpDynamicOptionsQnnHtpPerformanceMode = "ep.dynamic.qnn_htp_performance_mode";
#endif
