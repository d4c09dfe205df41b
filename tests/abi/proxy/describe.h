// SPDX-License-Identifier: MIT
/* What a call gave, in words that both libraries must agree on: codes, types, shapes, the first numbers. */
static void put_status(OrtStatus *s) { put_word(s ? "code" : "ok"), s ? put(" %d", (int)real_api->GetErrorCode(s)) : (void)0; }
static void forget(OrtStatus *s) {
  if (s) put("?"), real_api->ReleaseStatus(s);
}

static size_t rank_of(const OrtTensorTypeAndShapeInfo *info) {
  size_t rank = 0;
  forget(real_api->GetDimensionsCount(info, &rank));
  return rank;
}

static void put_shape(const OrtTensorTypeAndShapeInfo *info) {
  sep();
  if (!info) {
    put("no shape");
    return;
  }
  enum ONNXTensorElementDataType t = ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;
  size_t rank = 0;
  int64_t dims[32];
  const char *names[32];
  forget(real_api->GetTensorElementType(info, &t));
  forget(real_api->GetDimensionsCount(info, &rank));
  if (rank > 32) rank = 32;
  forget(real_api->GetDimensions(info, dims, rank));
  forget(real_api->GetSymbolicDimensions(info, names, rank));
  put("type %d%s[", (int)t, real_api->TensorTypeAndShape_HasShape(info) ? "" : " no shape ");
  for (size_t i = 0; i < rank; i++) put("%s%lld%s", i ? "," : "", (long long)dims[i], names[i] ? names[i] : "");
  put("]");
}

static void put_type(const OrtTypeInfo *info) {
  enum ONNXType kind = ONNX_TYPE_UNKNOWN;
  const OrtTensorTypeAndShapeInfo *tensor = NULL;
  if (!info) {
    put_word("no type");
    return;
  }
  forget(real_api->GetOnnxTypeFromTypeInfo(info, &kind));
  put_word("kind"), put(" %d", (int)kind);
  forget(real_api->CastTypeInfoToTensorInfo(info, &tensor));
  if (tensor) put_shape(tensor);
}

static void put_elements(const OrtValue *v, enum ONNXTensorElementDataType t, size_t n) {
  if (t == ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING) {
    for (size_t i = 0; i < n && i < 8; i++) {
      size_t len = 0;
      char text[100] = "";
      forget(real_api->GetStringTensorElementLength(v, i, &len));
      if (len < sizeof text) forget(real_api->GetStringTensorElement(v, sizeof text, i, text));
      put(" '%.*s'", (int)(len < sizeof text ? len : 0), text);
    }
    return;
  }
  void *p = NULL;
  forget(real_api->GetTensorMutableData((OrtValue *)v, &p));
  for (size_t i = 0; p && i < n && i < 8; i++) {
    double x = 0;
    switch (t) {
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT: x = ((const float *)p)[i]; break;
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE: x = ((const double *)p)[i]; break;
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64: x = (double)((const int64_t *)p)[i]; break;
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32: x = ((const int32_t *)p)[i]; break;
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8:
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_BOOL: x = ((const uint8_t *)p)[i]; break;
      default: return;
    }
    put(" %.4g", x);
  }
}

/* `filled`: its content means something, unlike a tensor that was just made. */
static void put_content(const OrtValue *v, int filled) {
  if (!v) {
    put_word("no value");
    return;
  }
  enum ONNXType kind = ONNX_TYPE_UNKNOWN;
  int has = 1, is_tensor = 0;
  forget(real_api->GetValueType(v, &kind));
  forget(real_api->HasValue(v, &has));
  put_word("value"), put(" %d", (int)kind);
  if (!has) {
    put(" empty");
    return;
  }
  forget(real_api->IsTensor(v, &is_tensor));
  if (is_tensor) {
    OrtTensorTypeAndShapeInfo *info = NULL;
    forget(real_api->GetTensorTypeAndShape(v, &info));
    if (!info) return;
    enum ONNXTensorElementDataType t = ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;
    size_t n = 0;
    put_shape(info);
    forget(real_api->GetTensorElementType(info, &t));
    forget(real_api->GetTensorShapeElementCount(info, &n));
    real_api->ReleaseTensorTypeAndShapeInfo(info);
    if (filled) put_elements(v, t, n);
  } else if (kind == ONNX_TYPE_SEQUENCE || kind == ONNX_TYPE_MAP) {
    size_t n = 0;
    forget(real_api->GetValueCount(v, &n));
    put(" of %zu", n);
  }
}
static void put_value(const OrtValue *v) { put_content(v, strncmp(line, "Run", 3) == 0 || strncmp(line, "GetBound", 8) == 0); }
