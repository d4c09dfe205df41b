// SPDX-License-Identifier: MIT
/* Slots Node_*: what a node says of itself. A node of the model editor knows its operator, its name and how much it has. */
#include "abi/editor.h"
#include "abi/graph.h"

#define VIEW_ONLY(x)                                                                              \
  if ((x)->editor)                                                                                \
  return sx_ort_error(ORT_NOT_IMPLEMENTED, "%s: a node of the model editor does not answer this", \
                      strchr(__func__ + 3, '_') + 1)

#define GETTER(Name, type, result, view, value)                                      \
  OrtStatus *ORT_API_CALL sx_api_Node_Get##Name(const OrtNode *node, type *result) { \
    SX_API_NOT_NULL(node);                                                           \
    SX_API_NOT_NULL(result);                                                         \
    if (view) VIEW_ONLY(node);                                                       \
    *result = node->value;                                                           \
    return NULL;                                                                     \
  }
GETTER(Id, size_t, node_id, false, id)
GETTER(Name, const char *, node_name, false, name)
GETTER(OperatorType, const char *, operator_type, false, op_type)
GETTER(Domain, const char *, domain_name, false, domain)
GETTER(SinceVersion, int, since_version, true, since_version)
GETTER(NumInputs, size_t, num_inputs, false, n_in)
GETTER(NumOutputs, size_t, num_outputs, false, n_out)
GETTER(NumImplicitInputs, size_t, num_implicit_inputs, true, n_implicit)
GETTER(NumAttributes, size_t, num_attributes, false, n_attrs)
GETTER(NumSubgraphs, size_t, num_subgraphs, true, n_bodies)
GETTER(Graph, const OrtGraph *, graph, true, graph)

#define LIST(Name, type, result, member, count, text)                                              \
  OrtStatus *ORT_API_CALL sx_api_Node_Get##Name(const OrtNode *node, type **result, size_t room) { \
    SX_API_NOT_NULL(node);                                                                         \
    VIEW_ONLY(node);                                                                               \
    return sx_ort_list_out(text, node->member, node->count, (const void **)result, room);          \
  }
LIST(Inputs, const OrtValueInfo, inputs, in, n_in, "node inputs")
LIST(Outputs, const OrtValueInfo, outputs, out, n_out, "node outputs")
LIST(ImplicitInputs, const OrtValueInfo, implicit_inputs, implicit, n_implicit, "implicit node inputs")
LIST(Attributes, const OrtOpAttr, attributes, attrs, n_attrs, "node attributes")

OrtStatus *ORT_API_CALL sx_api_Node_GetAttributeByName(const OrtNode *node, const char *attribute_name,
                                                       const OrtOpAttr **attribute) {
  SX_API_NOT_NULL(node);
  SX_API_NOT_NULL(attribute_name);
  SX_API_NOT_NULL(attribute);
  *attribute = NULL;
  if (node->editor)
    SX_API_FAIL(INVALID_ARGUMENT, "Node_GetAttributeByName: a node of the model editor does not answer this");
  for (uint32_t i = 0; i < node->n_attrs; i++)
    if (!strcmp(node->attrs[i]->name, attribute_name)) {
      *attribute = node->attrs[i];
      return NULL;
    }
  sx_domain d; /* an optional one that is not set is no error */
  sx_str domain = sx_str_c(node->domain);
  const sx_schema *s = sx_domain_find(domain, &d) ? sx_schema_find(d, sx_str_c(node->op_type), node->since_version) : NULL;
  const sx_schema_attr *a = s ? sx_schema_find_attr(s, sx_str_c(attribute_name)) : NULL;
  if (a && !a->required) return NULL;
  SX_API_FAIL(NOT_FOUND, "Node attribute does not exist: %s", attribute_name);
}

OrtStatus *ORT_API_CALL sx_api_Node_GetSubgraphs(const OrtNode *node, const OrtGraph **subgraphs, size_t num_subgraphs,
                                                 const char **attribute_names) {
  SX_API_NOT_NULL(node);
  VIEW_ONLY(node);
  OrtStatus *failed =
      sx_ort_list_out("node subgraphs", node->bodies, node->n_bodies, (const void **)subgraphs, num_subgraphs);
  if (!failed && attribute_names && node->n_bodies)
    memcpy(attribute_names, node->body_names, node->n_bodies * sizeof *attribute_names);
  return failed;
}

OrtStatus *ORT_API_CALL sx_api_Node_GetEpName(const OrtNode *node, const char **out) {
  SX_API_NOT_NULL(node);
  SX_API_NOT_NULL(out);
  if (node->editor) SX_API_FAIL(INVALID_ARGUMENT, "Node_GetEpName: a node of the model editor belongs to no provider");
  *out = node->ep_name;
  return NULL;
}

void ORT_API_CALL sx_api_ReleaseNode(OrtNode *input) {
  if (input && input->editor) sx_editor_node_free(input); /* nodes of a view are the view's */
}
