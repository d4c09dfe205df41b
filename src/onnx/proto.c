// SPDX-License-Identifier: MIT
/* The tables of ONNX's messages: each field by its number, as onnx.proto has it. Decoder and encoder walk these alone.
 *
 * What the engine never reads but a rewritten file must keep (training, device placement) is held as encoded bytes. */
#include "onnx/proto.h"
#include "ops/schema.h"

#define AT(kind, type, member, name, sub) {SX_WIRE_##kind, false, offsetof(type, member), name, sub}
#define FIELD(kind, type, member) AT(kind, type, member, #member, NULL)
#define SUB(kind, type, member, sub) AT(kind, type, member, #member, sub)
#define ONE(kind, type, member, name, sub) {SX_WIRE_##kind, true, offsetof(type, member), name, sub}
#define COUNT(fields) (sizeof(fields) / sizeof *(fields))
#define MESSAGE(name, type, fields) {name, sizeof(type), COUNT(fields), 0, 0, 0, fields, NULL}
#define SIZE_FROM(type, member) (sizeof(type) - offsetof(type, member)) /* of a union at a struct's end */

static const sx_wire_field pair_fields[] = {
    [1] = FIELD(STRING, sx_proto_pair, key),
    [2] = FIELD(STRING, sx_proto_pair, value),
};
const sx_wire_message sx_proto_pair_message = MESSAGE("StringStringEntryProto", sx_proto_pair, pair_fields);

static const sx_wire_field opset_fields[] = {
    [1] = FIELD(STRING, sx_proto_opset, domain),
    [2] = FIELD(INT64, sx_proto_opset, version),
};
const sx_wire_message sx_proto_opset_message = MESSAGE("OperatorSetIdProto", sx_proto_opset, opset_fields);

static const sx_wire_field segment_fields[] = {
    [1] = FIELD(INT64, sx_proto_segment, begin),
    [2] = FIELD(INT64, sx_proto_segment, end),
};
static const sx_wire_message segment_message = MESSAGE("TensorProto.Segment", sx_proto_segment, segment_fields);

static const sx_wire_field tensor_fields[] = {
    [1] = FIELD(INT64S, sx_proto_tensor, dims),
    [2] = FIELD(INT32, sx_proto_tensor, data_type),
    [3] = SUB(MESSAGE, sx_proto_tensor, segment, &segment_message),
    [SX_TENSOR_FLOAT_DATA] = ONE(PACK_32, sx_proto_tensor, data, "float_data", NULL),
    [SX_TENSOR_INT32_DATA] = ONE(PACK_VARINT, sx_proto_tensor, data, "int32_data", NULL),
    [SX_TENSOR_STRING_DATA] = FIELD(STRINGS, sx_proto_tensor, string_data),
    [SX_TENSOR_INT64_DATA] = ONE(PACK_VARINT, sx_proto_tensor, data, "int64_data", NULL),
    [8] = FIELD(STRING, sx_proto_tensor, name),
    [SX_TENSOR_RAW_DATA] = FIELD(STRING, sx_proto_tensor, raw_data),
    [SX_TENSOR_DOUBLE_DATA] = ONE(PACK_64, sx_proto_tensor, data, "double_data", NULL),
    [SX_TENSOR_UINT64_DATA] = ONE(PACK_VARINT, sx_proto_tensor, data, "uint64_data", NULL),
    [12] = FIELD(STRING, sx_proto_tensor, doc_string),
    [13] = SUB(MESSAGES, sx_proto_tensor, external_data, &sx_proto_pair_message),
    [14] = FIELD(INT32, sx_proto_tensor, data_location),
    [16] = SUB(MESSAGES, sx_proto_tensor, metadata_props, &sx_proto_pair_message),
};
const sx_wire_message sx_proto_tensor_message = {
    "TensorProto", sizeof(sx_proto_tensor), COUNT(tensor_fields),
    1u << SX_TENSOR_FLOAT_DATA | 1u << SX_TENSOR_INT32_DATA | 1u << SX_TENSOR_INT64_DATA | 1u << SX_TENSOR_DOUBLE_DATA |
        1u << SX_TENSOR_UINT64_DATA,
    offsetof(sx_proto_tensor, data), sizeof(sx_wire_packed), tensor_fields, NULL};

static const sx_wire_field sparse_fields[] = {
    [1] = SUB(MESSAGE, sx_proto_sparse, values, &sx_proto_tensor_message),
    [2] = SUB(MESSAGE, sx_proto_sparse, indices, &sx_proto_tensor_message),
    [3] = FIELD(INT64S, sx_proto_sparse, dims),
};
const sx_wire_message sx_proto_sparse_message = MESSAGE("SparseTensorProto", sx_proto_sparse, sparse_fields);

static const sx_wire_field dim_fields[] = {
    [SX_PROTO_DIM_VALUE] = ONE(INT64, sx_proto_dim, value, "dim_value", NULL),
    [SX_PROTO_DIM_PARAM] = ONE(STRING, sx_proto_dim, param, "dim_param", NULL),
    [3] = FIELD(STRING, sx_proto_dim, denotation),
};
const sx_wire_message sx_proto_dim_message = {
    "TensorShapeProto.Dimension", sizeof(sx_proto_dim), COUNT(dim_fields), 1u << SX_PROTO_DIM_VALUE | 1u << SX_PROTO_DIM_PARAM,
    offsetof(sx_proto_dim, value), sizeof(sx_str), dim_fields, NULL};
static const sx_wire_field shape_fields[] = {[1] = SUB(MESSAGES, sx_proto_shape, dim, &sx_proto_dim_message)};
const sx_wire_message sx_proto_shape_message = MESSAGE("TensorShapeProto", sx_proto_shape, shape_fields);

static const sx_wire_field type_tensor_fields[] = {
    [1] = FIELD(INT32, sx_proto_type_tensor, elem_type),
    [2] = SUB(INLINE, sx_proto_type_tensor, shape, &sx_proto_shape_message),
};
const sx_wire_message sx_proto_type_tensor_message = MESSAGE("TypeProto.Tensor", sx_proto_type_tensor, type_tensor_fields);
static const sx_wire_field type_of_fields[] = {[1] = SUB(MESSAGE, sx_proto_type_of, elem_type, &sx_proto_type_message)};
const sx_wire_message sx_proto_type_of_message = MESSAGE("TypeProto.Sequence", sx_proto_type_of, type_of_fields);
static const sx_wire_field type_map_fields[] = {
    [1] = FIELD(INT32, sx_proto_type_map, key_type),
    [2] = SUB(MESSAGE, sx_proto_type_map, value_type, &sx_proto_type_message),
};
const sx_wire_message sx_proto_type_map_message = MESSAGE("TypeProto.Map", sx_proto_type_map, type_map_fields);
static const sx_wire_field type_opaque_fields[] = {
    [1] = FIELD(STRING, sx_proto_type_opaque, domain),
    [2] = FIELD(STRING, sx_proto_type_opaque, name),
};
static const sx_wire_message type_opaque_message = MESSAGE("TypeProto.Opaque", sx_proto_type_opaque, type_opaque_fields);
static const sx_wire_field type_fields[] = {
    [SX_TYPE_TENSOR] = ONE(INLINE, sx_proto_type, tensor, "tensor_type", &sx_proto_type_tensor_message),
    [SX_TYPE_SEQUENCE] = ONE(INLINE, sx_proto_type, of, "sequence_type", &sx_proto_type_of_message),
    [SX_TYPE_MAP] = ONE(INLINE, sx_proto_type, map, "map_type", &sx_proto_type_map_message),
    [6] = FIELD(STRING, sx_proto_type, denotation),
    [SX_TYPE_OPAQUE] = ONE(INLINE, sx_proto_type, opaque, "opaque_type", &type_opaque_message),
    [SX_TYPE_SPARSE] = ONE(INLINE, sx_proto_type, tensor, "sparse_tensor_type", &sx_proto_type_tensor_message),
    [SX_TYPE_OPTIONAL] = ONE(INLINE, sx_proto_type, of, "optional_type", &sx_proto_type_of_message),
};
enum {
  TYPE_KINDS = 1u << SX_TYPE_TENSOR | 1u << SX_TYPE_SEQUENCE | 1u << SX_TYPE_MAP | 1u << SX_TYPE_OPAQUE | 1u << SX_TYPE_SPARSE |
               1u << SX_TYPE_OPTIONAL
};
const sx_wire_message sx_proto_type_message = {
    "TypeProto", sizeof(sx_proto_type), COUNT(type_fields), TYPE_KINDS, offsetof(sx_proto_type, tensor),
    SIZE_FROM(sx_proto_type, tensor), type_fields, NULL};

static const sx_wire_field value_fields[] = {
    [1] = FIELD(STRING, sx_proto_value, name),
    [2] = SUB(MESSAGE, sx_proto_value, type, &sx_proto_type_message),
    [3] = FIELD(STRING, sx_proto_value, doc_string),
    [4] = SUB(MESSAGES, sx_proto_value, metadata_props, &sx_proto_pair_message),
};
const sx_wire_message sx_proto_value_message = MESSAGE("ValueInfoProto", sx_proto_value, value_fields);

/* Field number of the member that an attribute type means. */
static const uint8_t attr_member[] = {
    [SX_ATTR_FLOAT] = 2,          [SX_ATTR_INT] = 3,            [SX_ATTR_STRING] = 4,      [SX_ATTR_TENSOR] = 5,
    [SX_ATTR_GRAPH] = 6,          [SX_ATTR_FLOATS] = 7,         [SX_ATTR_INTS] = 8,        [SX_ATTR_STRINGS] = 9,
    [SX_ATTR_TENSORS] = 10,       [SX_ATTR_GRAPHS] = 11,        [SX_ATTR_TYPE_PROTO] = 14, [SX_ATTR_TYPE_PROTOS] = 15,
    [SX_ATTR_SPARSE_TENSOR] = 22, [SX_ATTR_SPARSE_TENSORS] = 23,
};
static const sx_wire_field attr_fields[] = {
    [1] = FIELD(STRING, sx_proto_attr, name),
    [2] = ONE(FLOAT, sx_proto_attr, f, "f", NULL),
    [3] = ONE(INT64, sx_proto_attr, i, "i", NULL),
    [4] = ONE(STRING, sx_proto_attr, s, "s", NULL),
    [5] = ONE(MESSAGE, sx_proto_attr, t, "t", &sx_proto_tensor_message),
    [6] = ONE(MESSAGE, sx_proto_attr, g, "g", &sx_proto_graph_message),
    [7] = ONE(FLOATS, sx_proto_attr, floats, "floats", NULL),
    [8] = ONE(INT64S, sx_proto_attr, ints, "ints", NULL),
    [9] = ONE(STRINGS, sx_proto_attr, strings, "strings", NULL),
    [10] = ONE(MESSAGES, sx_proto_attr, tensors, "tensors", &sx_proto_tensor_message),
    [11] = ONE(MESSAGES, sx_proto_attr, graphs, "graphs", &sx_proto_graph_message),
    [13] = FIELD(STRING, sx_proto_attr, doc_string),
    [14] = ONE(MESSAGE, sx_proto_attr, tp, "tp", &sx_proto_type_message),
    [15] = ONE(MESSAGES, sx_proto_attr, types, "type_protos", &sx_proto_type_message),
    [20] = FIELD(INT32, sx_proto_attr, type),
    [21] = FIELD(STRING, sx_proto_attr, ref_attr_name),
    [22] = ONE(MESSAGE, sx_proto_attr, sparse, "sparse_tensor", &sx_proto_sparse_message),
    [23] = ONE(MESSAGES, sx_proto_attr, sparses, "sparse_tensors", &sx_proto_sparse_message),
};
#define ATTR_VALUES (0xffcu | 3u << 14 | 3u << 22)
static const uint32_t attr_misfit = 1u << 31; /* in `has`: the file's value was not of the stated type, and is dropped */

static uint32_t member_of(int32_t type) {
  return type > 0 && type < (int32_t)COUNT(attr_member) ? attr_member[type] : 0;
}
/* Makes the union hold the member that `type` means, whatever the file gave. */
static void finish_attr(void *m) {
  sx_proto_attr *a = m;
  uint32_t given = a->has & ATTR_VALUES;
  for (int32_t t = 1; a->type == SX_ATTR_UNDEFINED && t < (int32_t)COUNT(attr_member); t++) {
    if (given & 1u << member_of(t)) a->type = t;
  }
  if (given & ~(1u << member_of(a->type))) {
    memset((char *)m + offsetof(sx_proto_attr, f), 0, SIZE_FROM(sx_proto_attr, f));
    a->has = (a->has & ~given) | attr_misfit;
    given = 0;
  }
  if (a->type == SX_ATTR_STRING && !given) a->s = SX_STR("");
}
const sx_wire_message sx_proto_attr_message = {
    "AttributeProto", sizeof(sx_proto_attr), COUNT(attr_fields), ATTR_VALUES, offsetof(sx_proto_attr, f),
    SIZE_FROM(sx_proto_attr, f), attr_fields, finish_attr};

static const sx_wire_field node_fields[] = {
    [1] = FIELD(STRINGS, sx_proto_node, input),
    [2] = FIELD(STRINGS, sx_proto_node, output),
    [3] = FIELD(STRING, sx_proto_node, name),
    [4] = FIELD(STRING, sx_proto_node, op_type),
    [5] = SUB(MESSAGES, sx_proto_node, attribute, &sx_proto_attr_message),
    [6] = FIELD(STRING, sx_proto_node, doc_string),
    [7] = FIELD(STRING, sx_proto_node, domain),
    [8] = FIELD(STRING, sx_proto_node, overload),
    [9] = SUB(MESSAGES, sx_proto_node, metadata_props, &sx_proto_pair_message),
    [10] = FIELD(STRINGS, sx_proto_node, device_configurations),
};
const sx_wire_message sx_proto_node_message = MESSAGE("NodeProto", sx_proto_node, node_fields);

static const sx_wire_field annotation_fields[] = {
    [1] = FIELD(STRING, sx_proto_annotation, tensor_name),
    [2] = SUB(MESSAGES, sx_proto_annotation, quant_parameter_tensor_names, &sx_proto_pair_message),
};
static const sx_wire_message annotation_message = MESSAGE("TensorAnnotation", sx_proto_annotation, annotation_fields);

static const sx_wire_field graph_fields[] = {
    [1] = SUB(MESSAGES, sx_proto_graph, node, &sx_proto_node_message),
    [2] = FIELD(STRING, sx_proto_graph, name),
    [5] = SUB(MESSAGES, sx_proto_graph, initializer, &sx_proto_tensor_message),
    [10] = FIELD(STRING, sx_proto_graph, doc_string),
    [11] = SUB(MESSAGES, sx_proto_graph, input, &sx_proto_value_message),
    [12] = SUB(MESSAGES, sx_proto_graph, output, &sx_proto_value_message),
    [13] = SUB(MESSAGES, sx_proto_graph, value_info, &sx_proto_value_message),
    [14] = SUB(MESSAGES, sx_proto_graph, quantization_annotation, &annotation_message),
    [15] = SUB(MESSAGES, sx_proto_graph, sparse_initializer, &sx_proto_sparse_message),
    [16] = SUB(MESSAGES, sx_proto_graph, metadata_props, &sx_proto_pair_message),
};
const sx_wire_message sx_proto_graph_message = MESSAGE("GraphProto", sx_proto_graph, graph_fields);

static const sx_wire_field function_fields[] = {
    [1] = FIELD(STRING, sx_proto_function, name),
    [4] = FIELD(STRINGS, sx_proto_function, input),
    [5] = FIELD(STRINGS, sx_proto_function, output),
    [6] = FIELD(STRINGS, sx_proto_function, attribute),
    [7] = SUB(MESSAGES, sx_proto_function, node, &sx_proto_node_message),
    [8] = FIELD(STRING, sx_proto_function, doc_string),
    [9] = SUB(MESSAGES, sx_proto_function, opset_import, &sx_proto_opset_message),
    [10] = FIELD(STRING, sx_proto_function, domain),
    [11] = SUB(MESSAGES, sx_proto_function, attribute_proto, &sx_proto_attr_message),
    [12] = SUB(MESSAGES, sx_proto_function, value_info, &sx_proto_value_message),
    [13] = FIELD(STRING, sx_proto_function, overload),
    [14] = SUB(MESSAGES, sx_proto_function, metadata_props, &sx_proto_pair_message),
};
const sx_wire_message sx_proto_function_message = MESSAGE("FunctionProto", sx_proto_function, function_fields);

static const sx_wire_field model_fields[] = {
    [1] = FIELD(INT64, sx_proto_model, ir_version),
    [2] = FIELD(STRING, sx_proto_model, producer_name),
    [3] = FIELD(STRING, sx_proto_model, producer_version),
    [4] = FIELD(STRING, sx_proto_model, domain),
    [5] = FIELD(INT64, sx_proto_model, model_version),
    [6] = FIELD(STRING, sx_proto_model, doc_string),
    [7] = SUB(MESSAGE, sx_proto_model, graph, &sx_proto_graph_message),
    [8] = SUB(MESSAGES, sx_proto_model, opset_import, &sx_proto_opset_message),
    [14] = SUB(MESSAGES, sx_proto_model, metadata_props, &sx_proto_pair_message),
    [20] = FIELD(STRINGS, sx_proto_model, training_info),
    [25] = SUB(MESSAGES, sx_proto_model, functions, &sx_proto_function_message),
    [26] = FIELD(STRINGS, sx_proto_model, configuration),
};
const sx_wire_message sx_proto_model_message = MESSAGE("ModelProto", sx_proto_model, model_fields);

int sx_proto_type_kind(const sx_proto_type *t) {
  uint32_t kinds = t->has & TYPE_KINDS;
  return kinds ? __builtin_ctz(kinds) : SX_TYPE_NONE;
}

static sx_status parse(const sx_wire_message *m, const void *data, size_t size, sx_arena *a, void **out, sx_err *e) {
  *out = NULL;
  void *to = sx_arena_alloc(a, m->size);
  if (!to) SX_NO_MEMORY(e);
  SX_TRY(sx_wire_decode(m, data, size, a, to, e));
  *out = to;
  return SX_OK;
}
sx_status sx_proto_parse_model(const void *data, size_t size, sx_arena *a, sx_proto_model **out, sx_err *e) {
  return parse(&sx_proto_model_message, data, size, a, (void **)out, e);
}
sx_status sx_proto_parse_tensor(const void *data, size_t size, sx_arena *a, sx_proto_tensor **out, sx_err *e) {
  return parse(&sx_proto_tensor_message, data, size, a, (void **)out, e);
}

sx_status sx_proto_attr_check(const sx_proto_attr *a, sx_err *e) {
  uint32_t given = a->has & ATTR_VALUES, member = member_of(a->type);
  if (a->name.n == 0) SX_FAIL(e, INVALID_GRAPH, "an attribute has no name");
  if ((a->has & 1) || (given & (given - 1))) {
    SX_FAIL(e, INVALID_GRAPH, "attribute '%.*s' has more than one value", SX_FMT(a->name));
  }
  if (a->ref_attr_name.n) {
    if (given) SX_FAIL(e, INVALID_GRAPH, "attribute '%.*s' has both a value and a reference", SX_FMT(a->name));
    return SX_OK;
  }
  if (!member) SX_FAIL(e, INVALID_GRAPH, "attribute '%.*s' has no known type (%d)", SX_FMT(a->name), a->type);
  if ((a->has & attr_misfit) || (given && given != 1u << member)) {
    SX_FAIL(e, INVALID_GRAPH, "attribute '%.*s': its type says that the value is in '%s', but another member holds one",
            SX_FMT(a->name), attr_fields[member].name);
  }
  bool message = attr_fields[member].kind == SX_WIRE_MESSAGE;
  if (message && !given) SX_FAIL(e, INVALID_GRAPH, "attribute '%.*s' has no value", SX_FMT(a->name));
  return SX_OK;
}
