// SPDX-License-Identifier: MIT
/* os.h for POSIX systems. */
#define _GNU_SOURCE
#include "os.h"
#include "cli.h"
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

void *os_library_open(const char *path, const char **why) {
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!library && why) *why = dlerror();
  return library;
}

void *os_library_symbol(void *library, const char *name) { return dlsym(library, name); }
const ORTCHAR_T *os_path(const char *path) { return path; }

double os_seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

double os_processor_seconds(void) {
  struct timespec t;
  return clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) ? 0 : (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

void os_sleep(double seconds) {
  struct timespec t = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
  nanosleep(&t, NULL);
}

bool os_terminal(FILE *f) { return isatty(fileno(f)); }

int os_processors(void) {
#ifdef __linux__
  cpu_set_t set;
  if (!sched_getaffinity(0, sizeof set, &set)) return CPU_COUNT(&set);
#endif
  long n = sysconf(_SC_NPROCESSORS_ONLN);
  return n > 0 ? (int)n : 1;
}

char *os_program_folder(void) {
  char path[4096];
  ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
  if (n <= 0) return NULL;
  path[n] = 0;
  char *slash = strrchr(path, '/');
  return slash ? cli_copy(path, (size_t)(slash - path)) : NULL;
}

uint64_t os_memory_now(void) {
  unsigned long long pages = 0;
  FILE *f = fopen("/proc/self/statm", "r");
  if (!f) return 0;
  if (fscanf(f, "%*u %llu", &pages) != 1) pages = 0;
  fclose(f);
  return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

uint64_t os_memory_peak(void) {
  struct rusage u;
  if (getrusage(RUSAGE_SELF, &u)) return 0;
#ifdef __APPLE__
  return (uint64_t)u.ru_maxrss;
#else
  return (uint64_t)u.ru_maxrss * 1024;
#endif
}

bool os_is_folder(const char *path) {
  struct stat s;
  return !stat(path, &s) && S_ISDIR(s.st_mode);
}

bool os_is_file(const char *path) {
  struct stat s;
  return !stat(path, &s) && S_ISREG(s.st_mode);
}

char *os_full_path(const char *path) {
  char folder[4096];
  if (*path == '/' || !os_is_file(path) || !getcwd(folder, sizeof folder)) return cli_copy(path, strlen(path));
  return cli_text("%s/%s", folder, path);
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

char **os_list(const char *folder, size_t *count) {
  *count = 0;
  DIR *dir = opendir(folder);
  if (!dir) return NULL;
  char **names = NULL;
  for (struct dirent *e; (e = readdir(dir));) {
    if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..")) continue;
    names = cli_grow(names, *count + 1, sizeof *names);
    names[(*count)++] = cli_copy(e->d_name, strlen(e->d_name));
  }
  closedir(dir);
  if (names) qsort(names, *count, sizeof *names, by_name);
  return names;
}

bool os_map(const char *path, const uint8_t **data, size_t *size) {
  static const uint8_t nothing[1];
  struct stat s;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  bool ok = !fstat(fd, &s) && S_ISREG(s.st_mode);
  if (ok && s.st_size == 0) {
    *data = nothing, *size = 0;
  } else if (ok) {
    void *p = mmap(NULL, (size_t)s.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    ok = p != MAP_FAILED;
    *data = p, *size = (size_t)s.st_size;
  }
  close(fd);
  return ok;
}

void os_unmap(const uint8_t *data, size_t size) {
  if (size) munmap((void *)data, size);
}

struct os_thread {
  pthread_t id;
  void (*body)(void *);
  void *arg;
};

static void *thread_main(void *p) {
  os_thread *t = p;
  t->body(t->arg);
  return NULL;
}

os_thread *os_thread_start(void (*body)(void *), void *arg) {
  os_thread *t = cli_alloc(sizeof *t);
  t->body = body, t->arg = arg;
  if (!pthread_create(&t->id, NULL, thread_main, t)) return t;
  free(t);
  return NULL;
}

void os_thread_join(os_thread *t) {
  pthread_join(t->id, NULL);
  free(t);
}
