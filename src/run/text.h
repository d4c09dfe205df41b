// SPDX-License-Identifier: MIT
/* Kernels of text.c's provider that stand in files of their own. */
#ifndef SX_RUN_TEXT_H
#define SX_RUN_TEXT_H
#include "ep/ep.h"

extern const sx_kernel sx_text_Cast;           /* text_cast.c */
extern const sx_kernel sx_text_Col2Im;         /* text_col2im.c */
extern const sx_kernel sx_text_RegexFullMatch; /* regex.c */
extern const sx_kernel sx_text_Tokenizer;      /* tokenizer.c */
#endif
