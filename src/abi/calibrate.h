// SPDX-License-Identifier: MIT
/* Calibrations of the extension table: what each entry does stands in sardonyx.h. */
#ifndef SX_ABI_CALIBRATE_H
#define SX_ABI_CALIBRATE_H
#include "abi/handles.h"
#include "sardonyx.h"

OrtStatus *ORT_API_CALL sx_calibration_CreateCalibration(const OrtEnv *env, const OrtSessionOptions *options,
                                                         const ORTCHAR_T *path, SardonyxCalibration **out);
OrtStatus *ORT_API_CALL sx_calibration_Calibrate(SardonyxCalibration *c, const char *const *names,
                                                 const OrtValue *const *values, size_t count);
OrtStatus *ORT_API_CALL sx_calibration_CalibrationRanges(const SardonyxCalibration *c, const char *method,
                                                         double percentile, OrtAllocator *allocator, char **out);
void ORT_API_CALL sx_calibration_ReleaseCalibration(SardonyxCalibration *c);
OrtStatus *ORT_API_CALL sx_calibration_CreateWeightCalibration(const OrtEnv *env, const OrtSessionOptions *options,
                                                               const ORTCHAR_T *path, const OrtKeyValuePairs *quantize,
                                                               SardonyxCalibration **out);
OrtStatus *ORT_API_CALL sx_calibration_CalibrationPass(SardonyxCalibration *c, int *more);
OrtStatus *ORT_API_CALL sx_calibration_QuantizeCalibrated(const SardonyxCalibration *c, const ORTCHAR_T *to,
                                                          const char *const *names, const OrtValue *const *values,
                                                          size_t count, int json, OrtAllocator *allocator, char **out);
#endif
