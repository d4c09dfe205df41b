// SPDX-License-Identifier: MIT
/* A catch-all without a C++ run time, by the Itanium C++ ABI's exception handling: a frame with a personality routine of
 * ours, which says "handled here" to every exception. The unwinder and the C++ library are those that the thrower brought
 * into the process; nothing is linked. (ELF on x86-64 and ARM64; elsewhere a plain call.) */
#define _GNU_SOURCE
#include "abi/guard.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__linux__) && (defined(__x86_64__) || defined(__aarch64__))
#include <dlfcn.h>

/* void *sx_guard_frame(fn, arg): NULL, or the exception object. Its language-specific data is the address to go on at. */
void *sx_guard_frame(void (*fn)(void *), void *arg) __attribute__((visibility("hidden")));
int sx_guard_personality(int version, int actions, uint64_t class, void *exception, void *context)
    __attribute__((visibility("hidden"), used));

#define FRAME_BEGIN                                                                                                      \
  ".text\n.p2align 4\n.globl sx_guard_frame\n.hidden sx_guard_frame\n.type sx_guard_frame, %function\nsx_guard_frame:\n" \
  ".cfi_startproc\n.cfi_personality 0x1b, sx_guard_personality\n.cfi_lsda 0x1b, sx_guard_landing\n"
#define FRAME_END ".cfi_endproc\n.size sx_guard_frame, . - sx_guard_frame\n"
#ifdef __x86_64__
__asm__(FRAME_BEGIN
        "pushq %rbp\n.cfi_def_cfa_offset 16\n.cfi_offset 6, -16\nmovq %rsp, %rbp\n.cfi_def_cfa_register 6\n"
        "movq %rdi, %rax\nmovq %rsi, %rdi\ncall *%rax\nxorl %eax, %eax\n"
        "sx_guard_landing:\npopq %rbp\n.cfi_def_cfa 7, 8\nret\n" FRAME_END);
#else
__asm__(
    FRAME_BEGIN
    "stp x29, x30, [sp, #-16]!\n.cfi_def_cfa_offset 16\n.cfi_offset 29, -16\n.cfi_offset 30, -8\nmov x29, sp\n"
    "mov x2, x0\nmov x0, x1\nblr x2\nmov x0, #0\n"
    "sx_guard_landing:\nldp x29, x30, [sp], #16\n.cfi_restore 29\n.cfi_restore 30\n.cfi_def_cfa_offset 0\nret\n" FRAME_END);
#endif

static void *find(const char *library, const char *name) {
  void *h = dlopen(library, RTLD_LAZY | RTLD_NOLOAD), *p = dlsym(h ? h : RTLD_DEFAULT, name);
  if (h) dlclose(h);
  return p;
}

int sx_guard_personality(int version, int actions, uint64_t class, void *exception, void *context) {
  enum { SEARCH = 1, HANDLER = 4, FOUND = 6, INSTALL = 7, CONTINUE = 8, RESULT_REGISTER = 0 };
  uintptr_t (*landing)(void *);
  void (*set_register)(void *, int, uintptr_t), (*set_ip)(void *, uintptr_t);
  *(void **)&landing = find("libgcc_s.so.1", "_Unwind_GetLanguageSpecificData");
  *(void **)&set_register = find("libgcc_s.so.1", "_Unwind_SetGR");
  *(void **)&set_ip = find("libgcc_s.so.1", "_Unwind_SetIP");
  (void)class;
  if (version != 1 || !landing || !set_register || !set_ip) return CONTINUE;
  if (actions & SEARCH) return FOUND;
  if (!(actions & HANDLER)) return CONTINUE;
  set_register(context, RESULT_REGISTER, (uintptr_t)exception);
  set_ip(context, landing(context));
  return INSTALL;
}

/* The text of a std::exception, asked of the C++ library as a catch clause would ask it; ends the exception. */
static void take_text(void *exception, char *text, size_t size) {
  enum {
    DO_CATCH = 4,
    WHAT = 2,
    HEADER = 32
  }; /* places in the tables of std::type_info and std::exception; bytes before the object */
  static const char library[] = "libstdc++.so.6";
  void *(*begin)(void *), (*end)(void), *(*type_now)(void);
  *(void **)&begin = find(library, "__cxa_begin_catch");
  *(void **)&end = find(library, "__cxa_end_catch");
  *(void **)&type_now = find(library, "__cxa_current_exception_type");
  void *base = find(library, "_ZTISt9exception");
  uint64_t class;
  memcpy(&class, exception, sizeof class);
  if (class >> 8 != 0x474e5543432b2b || !begin || !end || !type_now || !base) { /* "GNUCC++": none of that library's */
    void (*drop)(void *);
    *(void **)&drop = find("libgcc_s.so.1", "_Unwind_DeleteException");
    if (drop) drop(exception);
    return;
  }
  begin(exception);
  void *object = class & 0xff ? NULL : (char *)exception + HEADER, *type = type_now(); /* 1: a copy of one thrown before */
  bool (*catches)(const void *, const void *, void **, unsigned) = NULL;
  *(void **)&catches = (*(void ***)base)[DO_CATCH];
  if (type && object && catches(base, type, &object, 1)) {
    const char *(*what)(void *);
    *(void **)&what = (*(void ***)object)[WHAT];
    const char *said = what(object);
    size_t n = said ? strnlen(said, size - 1) : 0;
    if (n) memcpy(text, said, n);
    text[n] = 0;
  }
  end();
}

sx_status sx_guarded(void (*fn)(void *arg), void *arg, sx_err *e) {
  char text[1024] = "";
  void *exception = sx_guard_frame(fn, arg);
  if (!exception) return SX_OK;
  take_text(exception, text, sizeof text);
  return sx_fail(e, SX_E_RUNTIME_EXCEPTION, SX_HERE, "a C++ exception was thrown%s%s", text[0] ? ": " : "", text);
}

#else
sx_status sx_guarded(void (*fn)(void *arg), void *arg, sx_err *e) {
  (void)e;
  fn(arg);
  return SX_OK;
}
#endif
