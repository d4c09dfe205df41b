// SPDX-License-Identifier: MIT
/* Cores, features of Arm and memory on Windows: what the process's affinity and its job object grant. */
#define _WIN32_WINNT 0x0602
#include <windows.h>
#include "base/os.h"

uint64_t sx_memory_available(void) {
  MEMORYSTATUSEX m = {.dwLength = sizeof m};
  uint64_t left = GlobalMemoryStatusEx(&m) ? m.ullAvailPageFile : UINT64_MAX;
  JOBOBJECT_EXTENDED_LIMIT_INFORMATION job;
  if (QueryInformationJobObject(NULL, JobObjectExtendedLimitInformation, &job, sizeof job, NULL) &&
      (job.BasicLimitInformation.LimitFlags & JOB_OBJECT_LIMIT_PROCESS_MEMORY) && job.ProcessMemoryLimit < left)
    left = job.ProcessMemoryLimit;
  return left;
}

/* Physical cores that the affinity mask touches. */
static uint32_t allowed_cores(void) {
  DWORD_PTR mine = 0, all = 0;
  GetProcessAffinityMask(GetCurrentProcess(), &mine, &all);
  DWORD bytes = 0;
  GetLogicalProcessorInformation(NULL, &bytes);
  SYSTEM_LOGICAL_PROCESSOR_INFORMATION *info = bytes ? sx_malloc(bytes) : NULL;
  DWORD got = bytes;
  uint32_t cores = 0;
  if (info && GetLogicalProcessorInformation(info, &got))
    for (DWORD i = 0; i < got / sizeof *info; i++)
      cores += info[i].Relationship == RelationProcessorCore && (mine == 0 || (info[i].ProcessorMask & mine));
  sx_free(info, bytes);
  if (cores) return cores;
  SYSTEM_INFO system;
  GetSystemInfo(&system);
  return system.dwNumberOfProcessors ? system.dwNumberOfProcessors : 1;
}

static uint32_t quota(uint32_t cores) {
  JOBOBJECT_CPU_RATE_CONTROL_INFORMATION rate;
  const DWORD hard = JOB_OBJECT_CPU_RATE_CONTROL_ENABLE | JOB_OBJECT_CPU_RATE_CONTROL_HARD_CAP;
  if (!QueryInformationJobObject(NULL, JobObjectCpuRateControlInformation, &rate, sizeof rate, NULL)) return cores;
  if ((rate.ControlFlags & hard) != hard) return cores;
  uint32_t n = (uint32_t)(((uint64_t)rate.CpuRate * GetActiveProcessorCount(ALL_PROCESSOR_GROUPS) + 9999) / 10000);
  return n < 1 ? 1 : n < cores ? n : cores; /* CpuRate is in hundredths of a percent of the machine */
}

void sx_os_probe(sx_cpu *c) {
  c->cores = quota(allowed_cores());
  c->amx_int8 = c->amx_bf16 = false;
#ifdef __aarch64__
  c->dotprod = IsProcessorFeaturePresent(43); /* PF_ARM_V82_DP_INSTRUCTIONS_AVAILABLE */
#endif
}
