// SPDX-License-Identifier: MIT
/* What the files of one platform or architecture give to the rest of base; nobody else includes this. */
#ifndef SX_BASE_OS_H
#define SX_BASE_OS_H
#include "base/cpu.h"
#include "base/file.h"

/* Fills what the instruction set itself tells (cpu_x86.c, or nothing): level, features, caches, vendor, brand. */
void sx_cpu_probe_x86(sx_cpu *c);
/* Fills what must be asked of the system: features and caches of Arm, leave to use AMX, cores. Caches that are already
 * known stay. */
void sx_os_probe(sx_cpu *c);

void sx_cpu_probe_arm_linux(sx_cpu *c);

/* The path with every link resolved, in the arena. NO_SUCHFILE when it does not exist. */
sx_status sx_os_real_path(sx_arena *a, const char *path, char **out, sx_err *e);

/* For the files of POSIX systems: fails with the text of errno; maps m->size bytes of the file, or reads them. */
sx_status sx_os_fail(sx_err *e, const char *what, const char *path, int reason);
sx_status sx_os_map(int fd, const char *path, sx_mapping *m, sx_err *e);
sx_status sx_os_read(int fd, const char *path, sx_mapping *m, sx_err *e);
#endif
