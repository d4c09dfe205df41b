// SPDX-License-Identifier: MIT
/* sardonyx info: inputs, outputs and metadata as the session tells them; IR version, opsets and operators, which the C
 * ABI does not tell, from the model file itself, read no further than needed. */
#include "files.h"
#include "json.h"
#include "library.h"
#include "os.h"
#include "term.h"
#include <stdlib.h>
#include <string.h>

static struct {
  bool ops;
  const char *json;
} opts;

static const cli_option options[] = {
    {"ops", 0, CLI_FLAG, NULL, "count the nodes of each operator, subgraphs included", &opts.ops},
    {"json", 'j', CLI_TEXT, "FILE", "write JSON ('-': to stdout, in place of the text)", &opts.json},
    {NULL},
};

static const cli_group groups[] = {
    {"Options", options}, {"Session", session_options}, {"General", cli_general_options}, {NULL}};

typedef struct op_count {
  char *name; /* "domain.Op" or "Op" */
  int64_t nodes;
} op_count;

typedef struct opset {
  char *domain;
  int64_t version;
} opset;

typedef struct model_facts {
  int64_t ir_version, nodes;
  char *inputs, *outputs; /* names, one after the other: for a model that no session can be made of */
  char *producer;
  opset *opsets;
  size_t num_opsets;
  op_count *ops;
  size_t num_ops;
} model_facts;

static char *text_of(pb_cursor c) { return cli_copy((const char *)c.at, (size_t)(c.end - c.at)); }

static void count_op(model_facts *m, char *name) {
  m->nodes++;
  for (size_t i = 0; i < m->num_ops; i++) {
    if (strcmp(m->ops[i].name, name)) continue;
    m->ops[i].nodes++;
    free(name);
    return;
  }
  m->ops = cli_grow(m->ops, m->num_ops + 1, sizeof *m->ops);
  m->ops[m->num_ops++] = (op_count){name, 1};
}

static void read_graph(model_facts *m, pb_cursor c, int depth);

/* NodeProto: 4 op_type, 5 attribute (of which 6 is a graph, 11 graphs), 7 domain. */
static void read_node(model_facts *m, pb_cursor c, int depth) {
  char *op = NULL, *domain = NULL;
  pb_field f, a;
  while (pb_next(&c, &f)) {
    if (f.wire != 2) continue;
    if (f.number == 4 && !op) op = text_of(f.bytes);
    if (f.number == 7 && !domain) domain = text_of(f.bytes);
    for (pb_cursor attribute = f.bytes; f.number == 5 && pb_next(&attribute, &a);)
      if (a.wire == 2 && (a.number == 6 || a.number == 11)) read_graph(m, a.bytes, depth + 1);
  }
  count_op(m, cli_text("%s%s%s", domain && *domain ? domain : "", domain && *domain ? "." : "", op ? op : "?"));
  free(op), free(domain);
}

/* TypeProto.Tensor: 1 elem_type, 2 shape (1 dim: 1 dim_value, 2 dim_param). */
static char *read_tensor_type(pb_cursor c) {
  char *shape = cli_text("%s", "");
  const dtype *element = NULL;
  pb_field f, d, x;
  while (pb_next(&c, &f)) {
    if (f.number == 1 && f.wire == 0) element = dtype_of_onnx((int)f.value);
    for (pb_cursor s = f.bytes; f.number == 2 && f.wire == 2 && pb_next(&s, &d);) {
      char *size = NULL, *longer;
      for (pb_cursor one = d.bytes; d.wire == 2 && pb_next(&one, &x);)
        if (!size && x.number <= 2) size = x.wire == 2 ? text_of(x.bytes) : cli_text("%lld", (long long)x.value);
      longer = cli_text("%s%s%s", shape, *shape ? "," : "", size && *size ? size : "?");
      free(shape), free(size);
      shape = longer;
    }
  }
  char *text = cli_text("%s[%s]", element ? element->name : "?", shape);
  free(shape);
  return text;
}
/* ValueInfoProto: 1 name, 2 type (of which 1 is a tensor's). */
static char *read_io(char *list, pb_cursor c) {
  char *name = NULL, *type = NULL;
  pb_field f, t;
  while (pb_next(&c, &f)) {
    if (f.wire == 2 && f.number == 1 && !name) name = text_of(f.bytes);
    for (pb_cursor types = f.bytes; f.wire == 2 && f.number == 2 && !type && pb_next(&types, &t);)
      if (t.number == 1 && t.wire == 2) type = read_tensor_type(t.bytes);
  }
  char *longer =
      cli_text("%s%s%s  %s\n", list ? list : "", list ? "            " : "", name ? name : "", type ? type : "?");
  free(list), free(name), free(type);
  return longer;
}

/* GraphProto: 1 node, 11 input, 12 output. */
static void read_graph(model_facts *m, pb_cursor c, int depth) {
  for (pb_field f; depth < 64 && pb_next(&c, &f);) {
    if (f.wire != 2) continue;
    if (f.number == 1) read_node(m, f.bytes, depth);
    if (f.number == 11 && !depth) m->inputs = read_io(m->inputs, f.bytes);
    if (f.number == 12 && !depth) m->outputs = read_io(m->outputs, f.bytes);
  }
}

/* ModelProto: 1 ir_version, 2 producer_name, 3 producer_version, 7 graph, 8 opset_import (1 domain, 2 version). */
static void read_model(model_facts *m, pb_cursor c) {
  pb_field f, o;
  while (pb_next(&c, &f)) {
    if (f.number == 1 && f.wire == 0) m->ir_version = (int64_t)f.value;
    if (f.wire != 2) continue;
    if ((f.number == 2 || f.number == 3) && f.bytes.end > f.bytes.at) {
      char *text = text_of(f.bytes),
           *both = cli_text("%s%s%s", m->producer ? m->producer : "", m->producer ? " " : "", text);
      free(m->producer), free(text);
      m->producer = both;
    }
    if (f.number == 7) read_graph(m, f.bytes, 0);
    if (f.number != 8) continue;
    opset set = {NULL, 0};
    for (pb_cursor s = f.bytes; pb_next(&s, &o);) {
      if (o.number == 1 && o.wire == 2 && !set.domain) set.domain = text_of(o.bytes);
      if (o.number == 2 && o.wire == 0) set.version = (int64_t)o.value;
    }
    if (!set.domain || !*set.domain) free(set.domain), set.domain = cli_text("ai.onnx");
    m->opsets = cli_grow(m->opsets, m->num_opsets + 1, sizeof *m->opsets);
    m->opsets[m->num_opsets++] = set;
  }
}

static int more_nodes(const void *a, const void *b) {
  const op_count *x = a, *y = b;
  return x->nodes != y->nodes ? (x->nodes < y->nodes ? 1 : -1) : strcmp(x->name, y->name);
}

static void facts_free(model_facts *m) {
  for (size_t i = 0; i < m->num_opsets; i++) free(m->opsets[i].domain);
  for (size_t i = 0; i < m->num_ops; i++) free(m->ops[i].name);
  free(m->opsets), free(m->ops), free(m->producer), free(m->inputs), free(m->outputs);
}

typedef OrtStatus *(ORT_API_CALL *text_fn)(const OrtModelMetadata *, OrtAllocator *, char **);

/* Prints the text fields that are not empty, then the custom entries. */
static bool show_metadata(session *s, json *j) {
  library *lib = s->lib;
  const OrtApi *api = lib->api;
  OrtModelMetadata *meta;
  if (!library_ok(lib, api->SessionGetModelMetadata(s->handle, &meta))) return false;
  const struct {
    const char *name;
    text_fn get;
  } fields[] = {{"graph", api->ModelMetadataGetGraphName},
                {"domain", api->ModelMetadataGetDomain},
                {"description", api->ModelMetadataGetDescription},
                {"graph description", api->ModelMetadataGetGraphDescription}};
  bool ok = true;
  char *text, **keys = NULL;
  int64_t version, count = 0;
  for (size_t i = 0; i < sizeof fields / sizeof *fields && ok; i++) {
    if (!(ok = library_ok(lib, fields[i].get(meta, lib->allocator, &text)))) break;
    if (j) json_text(j, fields[i].name, text);
    if (!j && *text) printf("%-12s%s\n", fields[i].name, text);
    lib->allocator->Free(lib->allocator, text);
  }
  if (ok && (ok = library_ok(lib, api->ModelMetadataGetVersion(meta, &version)))) {
    if (j) json_int(j, "model_version", version);
    if (!j && version && version != INT64_MAX) printf("%-12s%lld\n", "version", (long long)version);
  }
  ok = ok && library_ok(lib, api->ModelMetadataGetCustomMetadataMapKeys(meta, lib->allocator, &keys, &count));
  if (j) json_open(j, "metadata", '{');
  for (int64_t i = 0; ok && i < count; i++) {
    if ((ok = library_ok(lib, api->ModelMetadataLookupCustomMetadataMap(meta, lib->allocator, keys[i], &text)))) {
      if (j)
        json_text(j, keys[i], text);
      else
        printf("%-12s%s = %.200s%s\n", i ? "" : "metadata", keys[i], text, strlen(text) > 200 ? " ..." : "");
      lib->allocator->Free(lib->allocator, text);
    }
    lib->allocator->Free(lib->allocator, keys[i]);
  }
  if (j) json_close(j, '}');
  if (keys) lib->allocator->Free(lib->allocator, keys);
  api->ReleaseModelMetadata(meta);
  return ok;
}

static void show_ios(const char *title, const session_io *io, size_t count, json *j) {
  if (j) json_open(j, title, '[');
  for (size_t i = 0; i < count; i++) {
    if (!j) {
      printf("%-12s%s%s%s  %s\n", i ? "" : title, term_code(stdout, TERM_BOLD), io[i].name, term_code(stdout, TERM_PLAIN),
             io[i].text);
      continue;
    }
    json_open(j, NULL, '{');
    json_text(j, "name", io[i].name);
    json_text(j, "type", io[i].text);
    if (io[i].element) json_text(j, "element", io[i].element->name);
    if (io[i].dims) {
      json_open(j, "shape", '[');
      for (size_t d = 0; d < io[i].rank; d++) {
        if (io[i].dims[d] >= 0)
          json_int(j, NULL, io[i].dims[d]);
        else
          json_text(j, NULL, *io[i].symbols[d] ? io[i].symbols[d] : NULL);
      }
      json_close(j, ']');
    }
    json_close(j, '}');
  }
  if (j) json_close(j, ']');
}

static void show_facts(const model_facts *m, size_t bytes, json *j) {
  char size[32];
  if (j) {
    json_int(j, "bytes", (int64_t)bytes);
    json_int(j, "ir_version", m->ir_version);
    json_text(j, "producer", m->producer);
    json_open(j, "opsets", '{');
    for (size_t i = 0; i < m->num_opsets; i++) json_int(j, m->opsets[i].domain, m->opsets[i].version);
    json_close(j, '}');
    json_int(j, "nodes", m->nodes);
    json_open(j, "operators", '{');
    for (size_t i = 0; i < m->num_ops; i++) json_int(j, m->ops[i].name, m->ops[i].nodes);
    json_close(j, '}');
    return;
  }
  printf("%-12s%s, IR version %lld, %lld nodes\n", "file", term_bytes(size, (double)bytes), (long long)m->ir_version,
         (long long)m->nodes);
  if (m->producer) printf("%-12s%s\n", "producer", m->producer);
  printf("%-12s", "opsets");
  for (size_t i = 0; i < m->num_opsets; i++)
    printf("%s%s %lld", i ? ", " : "", m->opsets[i].domain, (long long)m->opsets[i].version);
  printf("\n");
}

static size_t read_file(model_facts *m, const char *path) {
  const uint8_t *data;
  size_t size = 0;
  if (!os_map(path, &data, &size)) return 0;
  read_model(m, (pb_cursor){data, data + size});
  os_unmap(data, size);
  if (m->num_ops) qsort(m->ops, m->num_ops, sizeof *m->ops, more_nodes);
  return size;
}

/* A model that cannot be loaded: what its file says. The failure is told at the end. */
static void show_file(const char *path) {
  model_facts m = {0};
  size_t size = read_file(&m, path);
  if (m.ir_version && !opts.json) {
    show_facts(&m, size, NULL);
    if (m.inputs) printf("%-12s%s", "inputs", m.inputs);
    if (m.outputs) printf("%-12s%s", "outputs", m.outputs);
    for (size_t i = 0; i < m.num_ops; i++)
      printf("%-12s%6lld  %s\n", i ? "" : "operators", (long long)m.ops[i].nodes, m.ops[i].name);
  }
  facts_free(&m);
}

static bool show(session *s, const char *path) {
  model_facts m = {0};
  json out, *j = NULL;
  size_t size = read_file(&m, path);
  if (opts.json && !json_begin(j = &out, opts.json)) return facts_free(&m), false;
  if (j) json_open(j, NULL, '{');
  if (j) json_text(j, "model", path);
  show_facts(&m, size, j);
  bool ok = show_metadata(s, j);
  show_ios("inputs", s->inputs, s->num_inputs, j);
  show_ios("outputs", s->outputs, s->num_outputs, j);
  if (s->num_initializers || j) show_ios("overridable", s->initializers, s->num_initializers, j);
  for (size_t i = 0; opts.ops && !j && i < m.num_ops; i++)
    printf("%-12s%6lld  %s\n", i ? "" : "operators", (long long)m.ops[i].nodes, m.ops[i].name);
  if (j) json_close(j, '}');
  if (j && !json_end(j, opts.json)) ok = false;
  facts_free(&m);
  return ok;
}

static int run(int count, char **args) {
  library *lib = library_open(cli_opts.library);
  session *s = lib ? session_open(lib, args[0]) : NULL;
  if (s)
    show(s, args[0]);
  else if (lib)
    show_file(args[0]);
  session_close(s);
  library_close(lib);
  return cli_failure_code();
}

const cli_command cli_command_info = {
    .name = "info",
    .args = "MODEL [OPTIONS]",
    .summary = "inputs, outputs, metadata, opsets and operators of a model",
    .text =
        "Prints what goes in and out of a model, its metadata, opsets and operators.\n"
        "'sardonyx version' tells about the library.\n\n"
        "Examples\n"
        "  sardonyx info model.onnx\n"
        "  sardonyx info model.onnx --ops\n"
        "  sardonyx info model.onnx --json - | jq '.inputs[].name'\n",
    .groups = groups,
    .least = 1,
    .most = 1,
    .run = run,
};
