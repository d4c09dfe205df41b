// SPDX-License-Identifier: MIT
/* OrtStatus: one block with its message; a static one stands in when there is no memory for it. */
#include <stdio.h>
#include "abi/handles.h"

static struct {
  OrtStatus head;
  char message[16];
} no_memory = {{ORT_FAIL, 0}, "out of memory"};

static OrtStatus *make(OrtErrorCode code, const char *text, size_t n) {
  size_t size = sizeof(OrtStatus) + n + 1;
  OrtStatus *s = sx_malloc(size);
  if (!s) return &no_memory.head;
  s->code = code;
  s->size = size;
  memcpy(s->message, text, n);
  s->message[n] = 0;
  return s;
}

OrtStatus *sx_ort_error(OrtErrorCode code, const char *fmt, ...) {
  char text[1024];
  va_list args;
  va_start(args, fmt);
  int n = vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  return make(code, text, n < 0 ? 0 : n < (int)sizeof text ? (size_t)n : sizeof text - 1);
}

OrtStatus *sx_ort_status(sx_status s, const sx_err *e) {
  if (s == SX_OK) return NULL;
  if (s == SX_E_NO_MEMORY && !e) return &no_memory.head;
  const char *text = e && e->code == s ? e->msg : sx_status_name(s);
  return make(s == SX_E_NO_MEMORY ? ORT_FAIL : (OrtErrorCode)s, text, strlen(text));
}

OrtStatus *ORT_API_CALL sx_api_CreateStatus(OrtErrorCode code, const char *msg) {
  if (!msg) msg = "";
  return make(code, msg, strlen(msg));
}

OrtErrorCode ORT_API_CALL sx_api_GetErrorCode(const OrtStatus *status) { return status ? status->code : ORT_OK; }

const char *ORT_API_CALL sx_api_GetErrorMessage(const OrtStatus *status) { return status ? status->message : ""; }

void ORT_API_CALL sx_api_ReleaseStatus(OrtStatus *status) {
  if (status) sx_free(status->size ? status : NULL, status->size);
}
