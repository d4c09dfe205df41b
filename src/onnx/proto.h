// SPDX-License-Identifier: MIT
/* ONNX's protobuf messages as plain structs, and what their tensors hold.
 *
 * The structs mirror onnx.proto (IR version 14) name by name. Everything points into the bytes that were parsed and into the
 * arena: both must outlive the model. Strings are never NULL, hold any bytes and are not NUL-terminated. Lists are {at, n}.
 * `has` has bit k for field number k: SX_PROTO_HAS(x, number) tells an absent field from a zero one. */
#ifndef SX_ONNX_PROTO_H
#define SX_ONNX_PROTO_H
#include "ir/dtype.h"
#include "onnx/wire.h"

#define SX_PROTO_HAS(m, number) (((m)->has >> (number)) & 1u)
typedef SX_WIRE_LIST(sx_str) sx_proto_strings;
typedef SX_WIRE_LIST(int64_t) sx_proto_ints;
typedef SX_WIRE_LIST(float) sx_proto_floats;

typedef struct sx_proto_pair { uint32_t has; sx_str key, value; } sx_proto_pair; /* StringStringEntryProto */
typedef SX_WIRE_LIST(sx_proto_pair) sx_proto_pairs;
typedef struct sx_proto_opset { uint32_t has; sx_str domain; int64_t version; } sx_proto_opset;
typedef SX_WIRE_LIST(sx_proto_opset) sx_proto_opsets;

/* TensorProto. Typed data lie in `data` as they are on the wire; the bit of one SX_TENSOR_*_DATA says which they are. */
enum {
  SX_TENSOR_FLOAT_DATA = 4, SX_TENSOR_INT32_DATA = 5, SX_TENSOR_STRING_DATA = 6, SX_TENSOR_INT64_DATA = 7,
  SX_TENSOR_RAW_DATA = 9, SX_TENSOR_DOUBLE_DATA = 10, SX_TENSOR_UINT64_DATA = 11,
  SX_TENSOR_DATA_LOCATION = 14
};
typedef struct sx_proto_segment { uint32_t has; int64_t begin, end; } sx_proto_segment;
typedef struct sx_proto_tensor {
  uint32_t has;
  int32_t data_type;     /* sx_dtype, not yet checked */
  int32_t data_location; /* 0 here, 1 external */
  sx_proto_ints dims;
  sx_str name, doc_string, raw_data;
  sx_wire_packed data;   /* float_data, int32_data, int64_data, double_data or uint64_data */
  sx_proto_strings string_data;
  sx_proto_pairs external_data, metadata_props;
  sx_proto_segment *segment;
} sx_proto_tensor;
typedef SX_WIRE_LIST(sx_proto_tensor) sx_proto_tensors;

typedef struct sx_proto_sparse { /* SparseTensorProto */
  uint32_t has;
  sx_proto_tensor *values, *indices; /* NULL when absent */
  sx_proto_ints dims;
} sx_proto_sparse;
typedef SX_WIRE_LIST(sx_proto_sparse) sx_proto_sparses;

/* TensorShapeProto.Dimension: a value, a symbol, or neither (unknown). */
enum { SX_PROTO_DIM_UNKNOWN = 0, SX_PROTO_DIM_VALUE = 1, SX_PROTO_DIM_PARAM = 2 };
typedef struct sx_proto_dim {
  uint32_t has;
  union { int64_t value; sx_str param; };
  sx_str denotation;
} sx_proto_dim;
/* SX_PROTO_DIM_VALUE, SX_PROTO_DIM_PARAM or SX_PROTO_DIM_UNKNOWN. */
static inline int sx_proto_dim_kind(const sx_proto_dim *d) {
  return SX_PROTO_HAS(d, 1) ? SX_PROTO_DIM_VALUE : SX_PROTO_HAS(d, 2) ? SX_PROTO_DIM_PARAM : SX_PROTO_DIM_UNKNOWN;
}
typedef struct sx_proto_shape { uint32_t has; SX_WIRE_LIST(sx_proto_dim) dim; } sx_proto_shape;

/* TypeProto. The kinds are the numbers of its oneof. */
enum {
  SX_TYPE_NONE = 0, SX_TYPE_TENSOR = 1, SX_TYPE_SEQUENCE = 4, SX_TYPE_MAP = 5, SX_TYPE_OPAQUE = 7, SX_TYPE_SPARSE = 8,
  SX_TYPE_OPTIONAL = 9
};
typedef struct sx_proto_type sx_proto_type;
typedef struct sx_proto_type_tensor { /* of a tensor or a sparse tensor; SX_PROTO_HAS(t, 2): a shape is given, rank 0 is one */
  uint32_t has;
  int32_t elem_type;
  sx_proto_shape shape;
} sx_proto_type_tensor;
typedef struct sx_proto_type_of { uint32_t has; sx_proto_type *elem_type; } sx_proto_type_of; /* elem_type may be NULL */
typedef struct sx_proto_type_map { uint32_t has; int32_t key_type; sx_proto_type *value_type; } sx_proto_type_map;
typedef struct sx_proto_type_opaque { uint32_t has; sx_str domain, name; } sx_proto_type_opaque;
struct sx_proto_type {
  uint32_t has;
  sx_str denotation;
  union { /* by sx_proto_type_kind */
    sx_proto_type_tensor tensor; /* TENSOR and SPARSE */
    sx_proto_type_of of;         /* SEQUENCE and OPTIONAL */
    sx_proto_type_map map;
    sx_proto_type_opaque opaque;
  };
};
typedef SX_WIRE_LIST(sx_proto_type) sx_proto_types;
/* One of SX_TYPE_*; NONE also for a kind that this format does not know. */
int sx_proto_type_kind(const sx_proto_type *t);

typedef struct sx_proto_value { /* ValueInfoProto */
  uint32_t has;
  sx_str name, doc_string;
  sx_proto_type *type; /* NULL when absent */
  sx_proto_pairs metadata_props;
} sx_proto_value;
typedef SX_WIRE_LIST(sx_proto_value) sx_proto_values;

/* AttributeProto. `type` says which member of the union is meant (ops/schema.h: sx_attr_type); where a file of IR version 1
 * or 2 leaves it out, it is set from the member that is there. A member that is absent reads as zero, "" or empty (NULL for
 * the messages). With ref_attr_name, in a function's body, the value is that of the function's attribute. */
typedef struct sx_proto_graph sx_proto_graph;
typedef SX_WIRE_LIST(sx_proto_graph) sx_proto_graphs;
typedef struct sx_proto_attr {
  uint32_t has;
  int32_t type;
  sx_str name, ref_attr_name, doc_string;
  union {
    float f;
    int64_t i;
    sx_str s;
    sx_proto_tensor *t;
    sx_proto_graph *g;
    sx_proto_sparse *sparse;
    sx_proto_type *tp;
    sx_proto_floats floats;
    sx_proto_ints ints;
    sx_proto_strings strings;
    sx_proto_tensors tensors;
    sx_proto_graphs graphs;
    sx_proto_sparses sparses;
    sx_proto_types types;
  };
} sx_proto_attr;
typedef SX_WIRE_LIST(sx_proto_attr) sx_proto_attrs;

typedef struct sx_proto_node {
  uint32_t has;
  sx_proto_strings input, output; /* "" = an optional one left out */
  sx_str name, op_type, domain, overload, doc_string;
  sx_proto_attrs attribute;
  sx_proto_pairs metadata_props;
  sx_proto_strings device_configurations; /* NodeDeviceConfigurationProto, encoded */
} sx_proto_node;
typedef SX_WIRE_LIST(sx_proto_node) sx_proto_nodes;

typedef struct sx_proto_annotation { /* TensorAnnotation */
  uint32_t has;
  sx_str tensor_name;
  sx_proto_pairs quant_parameter_tensor_names;
} sx_proto_annotation;

struct sx_proto_graph {
  uint32_t has;
  sx_str name, doc_string;
  sx_proto_nodes node;
  sx_proto_tensors initializer;
  sx_proto_sparses sparse_initializer;
  sx_proto_values input, output, value_info;
  SX_WIRE_LIST(sx_proto_annotation) quantization_annotation;
  sx_proto_pairs metadata_props;
};

typedef struct sx_proto_function {
  uint32_t has;
  sx_str name, doc_string, domain, overload;
  sx_proto_strings input, output, attribute;
  sx_proto_attrs attribute_proto; /* attributes with defaults */
  sx_proto_nodes node;
  sx_proto_opsets opset_import;
  sx_proto_values value_info;
  sx_proto_pairs metadata_props;
} sx_proto_function;

typedef struct sx_proto_model {
  uint32_t has;
  int64_t ir_version, model_version;
  sx_proto_opsets opset_import;
  sx_str producer_name, producer_version, domain, doc_string;
  sx_proto_graph *graph; /* NULL when absent */
  sx_proto_pairs metadata_props;
  SX_WIRE_LIST(sx_proto_function) functions;
  sx_proto_strings training_info, configuration; /* TrainingInfoProto, DeviceConfigurationProto, encoded */
} sx_proto_model;

extern const sx_wire_message sx_proto_model_message, sx_proto_graph_message, sx_proto_function_message, sx_proto_node_message,
    sx_proto_attr_message, sx_proto_value_message, sx_proto_type_message, sx_proto_tensor_message, sx_proto_sparse_message,
    sx_proto_pair_message, sx_proto_opset_message, sx_proto_dim_message, sx_proto_shape_message, sx_proto_type_tensor_message,
    sx_proto_type_of_message, sx_proto_type_map_message;

/* Parses a whole ModelProto. Anything that is valid protobuf is accepted: what the model means is the importer's question.
 * INVALID_PROTOBUF names message, field and offset. */
sx_status sx_proto_parse_model(const void *data, size_t size, sx_arena *a, sx_proto_model **out, sx_err *e);
/* A lone TensorProto (the .pb files of test suites) or GraphProto etc.: sx_wire_decode with the message above. */
sx_status sx_proto_parse_tensor(const void *data, size_t size, sx_arena *a, sx_proto_tensor **out, sx_err *e);

/* Checks what the standard asks of an attribute: a name, one value, of the type it states. INVALID_GRAPH. */
sx_status sx_proto_attr_check(const sx_proto_attr *a, sx_err *e);

/* What a tensor is, once checked. */
typedef struct sx_proto_tensor_info {
  sx_dtype dtype;
  int64_t count;   /* elements; 1 for rank 0 */
  size_t bytes;    /* in memory, sub-byte types packed; a string counts sizeof(sx_str) */
  size_t packed;   /* in raw data and external data: `bytes`, but for six-bit floats, four of which take three bytes there */
  bool external;   /* the elements lie in another file: onnx/external.h */
} sx_proto_tensor_info;
/* Type known, dims not negative, product in range, one source of data, and as much of it as type and dims say. */
sx_status sx_proto_tensor_check(const sx_proto_tensor *t, sx_proto_tensor_info *info, sx_err *e);

typedef struct sx_proto_view {
  const uint8_t *data; /* info.bytes bytes, within the parsed input */
  uint32_t align;      /* the largest power of two, at most 64, that divides the address */
} sx_proto_view;
/* For a checked tensor: true when its elements lie in the input as they are in memory. False: strings, varints, packed
 * six-bit floats, external data; call sx_proto_tensor_fill. */
bool sx_proto_tensor_view(const sx_proto_tensor *t, const sx_proto_tensor_info *info, sx_proto_view *view);
/* Writes the elements of a checked tensor; `bytes` must be info.bytes. Strings become handles into the input. External data
 * are refused: they are not here. dst is aligned for the type. */
sx_status sx_proto_tensor_fill(const sx_proto_tensor *t, const sx_proto_tensor_info *info, void *dst, size_t bytes, sx_err *e);
/* n six-bit codes from their packed form, (6 n + 7) / 8 bytes, to a byte each. */
void sx_proto_unpack6(uint8_t *dst, const uint8_t *src, size_t n);
#endif
