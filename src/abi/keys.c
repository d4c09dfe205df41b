// SPDX-License-Identifier: MIT
/* The configuration keys that exist (keys.def): whether an entry is one of them, so that a misspelt one does not pass in
 * silence. */
#include "abi/handles.h"

bool sx_ort_config_known(const char *key) {
  static const char *const areas[] = {"session.", "optimization.", "mlas.", NULL};
  static const char known[] = /* the texts one after the other */
#define KEY(where, constant, key, how, what) key "\0"
#include "abi/keys.def"
      ;
  bool ours = false;
  for (const char *const *a = areas; *a; a++) ours |= strncmp(key, *a, strlen(*a)) == 0;
  if (!ours) return true;
  for (const char *p = known; *p; p += strlen(p) + 1)
    if (strcmp(p, key) == 0) return true;
  return false;
}
