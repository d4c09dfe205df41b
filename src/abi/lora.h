// SPDX-License-Identifier: MIT
/* A LoRA adapter: tensors that a run takes as inputs of their names. */
#ifndef SX_ABI_LORA_H
#define SX_ABI_LORA_H
#include "abi/handles.h"
#include "base/file.h"

typedef struct sx_adapter_value { const char *name; sx_rt_value *value; } sx_adapter_value;
struct OrtLoraAdapter {
  sx_arena arena;
  sx_mapping map; /* of the file */
  bool borrowed;  /* `map` is a copy in the arena */
  SX_VEC(sx_adapter_value) values;
};
#endif
