// SPDX-License-Identifier: MIT
/* The codes of a failed OrtStatus by name, in the order of OrtErrorCode. */
#ifndef CLI_CODES_H
#define CLI_CODES_H
static const char *const code_names[] = {"OK",
                                         "FAIL",
                                         "INVALID_ARGUMENT",
                                         "NO_SUCHFILE",
                                         "NO_MODEL",
                                         "ENGINE_ERROR",
                                         "RUNTIME_EXCEPTION",
                                         "INVALID_PROTOBUF",
                                         "MODEL_LOADED",
                                         "NOT_IMPLEMENTED",
                                         "INVALID_GRAPH",
                                         "EP_FAIL",
                                         "MODEL_LOAD_CANCELED",
                                         "MODEL_REQUIRES_COMPILATION",
                                         "NOT_FOUND",
                                         "DEVICE_RESET"};
enum { CODES = sizeof code_names / sizeof *code_names };

static inline const char *code_name(int code) { return code >= 0 && code < CODES ? code_names[code] : "UNKNOWN"; }
#endif
