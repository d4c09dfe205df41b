// SPDX-License-Identifier: MIT
/* Tables of lines, one model and what is expected of it each: values, compared bit by bit, or a refusal with its code and
 * the words that its message needs (the form of a line: text.h). Knows the public header only, so that any
 * library with this interface can be asked:
 *
 *   table_test LIBRARY FILE... [--print] [--apart] [--only WORDS]
 *
 * Each line is run with its tensors as initializers, as inputs of declared sizes, of open sizes, and of open rank; values
 * also at level 0, by four threads and, with '*' in front, with the tensors many times as long. --print tells what happens
 * instead of judging it; --apart asks in a process of its own for each line, which is what foreign libraries get anyway. */
#include <stdarg.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../../cli/codes.h"
#include "../abi/abi.h"
#include "text.h"

enum { WORDS = 6, LINE = 4000 };
static const char *const variants[] = {"constant", "static", "open sizes", "open rank"};
static OrtEnv *env;
static OrtMemoryInfo *cpu;
static OrtAllocator *heap;
static bool ours, print, tap, apart;
static int cases, bad;

typedef struct outcome { /* of one run */
  int code;
  const char *stage;
  char message[2000];
  OrtValue *y[MAX_NAMES];
} outcome;

static bool worked(outcome *o, const char *stage, OrtStatus *s) {
  if (!s) return true;
  o->code = (int)api->GetErrorCode(s), o->stage = stage;
  snprintf(o->message, sizeof o->message, "%s", api->GetErrorMessage(s));
  api->ReleaseStatus(s);
  return false;
}

static bool input_value(outcome *o, tensor *t, OrtValue **v) {
  if (t->type != 8)
    return worked(o, "input",
                  api->CreateTensorWithDataAsOrtValue(cpu, t->data, t->bytes, t->dims, t->rank,
                                                      (ONNXTensorElementDataType)t->type, v));
  return worked(o, "input", api->CreateTensorAsOrtValue(heap, t->dims, t->rank, ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING, v)) &&
         worked(o, "input", api->FillStringTensor(*v, (const char *const *)(const void *)t->data, (size_t)t->count));
}

static void run(line *l, const buffer *model, int threads, int level, outcome *o) {
  OrtSessionOptions *options = NULL;
  OrtSession *s = NULL;
  OrtValue *in[MAX_TENSORS] = {0};
  const char *names[MAX_TENSORS], *outs[MAX_NAMES];
  size_t n = 0, m = 0;
  *o = (outcome){0};
  if (worked(o, "options", api->CreateSessionOptions(&options)) &&
      worked(o, "options", api->SetIntraOpNumThreads(options, threads)) &&
      worked(o, "options", api->SetSessionGraphOptimizationLevel(options, (GraphOptimizationLevel)level)) &&
      worked(o, "load", api->CreateSessionFromArray(env, model->p, model->n, options, &s))) {
    for (int i = 0; i < l->n_in; i++)
      if (!l->in[i].constant && input_value(o, &l->in[i], &in[n])) names[n++] = l->in[i].name;
    for (int i = 0; i < l->n_out; i++)
      if (strcmp(l->out[i], "_")) outs[m++] = l->out[i];
    if (!o->code) worked(o, "run", api->Run(s, NULL, names, (const OrtValue *const *)in, n, outs, m, o->y));
    for (size_t i = 0; i < n; i++) api->ReleaseValue(in[i]);
  }
  if (s) api->ReleaseSession(s);
  if (options) api->ReleaseSessionOptions(options);
}
static void done(outcome *o) {
  for (int i = 0; i < MAX_NAMES; i++)
    if (o->y[i]) api->ReleaseValue(o->y[i]), o->y[i] = NULL;
}

/* --- values ------------------------------------------------------------------------------------------------------------
 */
static void show(const tensor *t, char *out, size_t room) {
  const element *e = element_of(t->type);
  size_t n = 0;
#define SHOW(...) (n += n < room ? (size_t)snprintf(out + n, room - n, __VA_ARGS__) : 0)
  SHOW("%s[", e ? e->name : "?");
  for (uint32_t i = 0; i < t->rank; i++) SHOW(i ? ", %lld" : "%lld", (long long)t->dims[i]);
  SHOW("] {");
  for (int64_t i = 0; i < t->count && i < 40 && e; i++) {
    if (i) SHOW(", ");
    const uint64_t b = t->type == 8 ? 0 : element_bits(t, i);
    if (t->type == 8)
      SHOW("\"%s\"", ((char **)(void *)t->data)[i]);
    else if (is_float(e))
      SHOW("%.9g", element_float(e, b));
    else if (is_signed(t->type))
      SHOW("%lld", (long long)((int64_t)(b << (64 - e->bits)) >> (64 - e->bits)));
    else
      SHOW("%llu", (unsigned long long)b);
  }
  SHOW("}");
#undef SHOW
}

/* A tensor that the library made, as one of ours; false: it is none. */
static bool read_value(const OrtValue *v, tensor *t) {
  OrtTensorTypeAndShapeInfo *info = NULL;
  enum ONNXType kind = ONNX_TYPE_UNKNOWN;
  size_t rank = 0;
  void *data = NULL;
  *t = (tensor){0};
  OK(GetValueType(v, &kind));
  if (kind != ONNX_TYPE_TENSOR) return false;
  OK(GetTensorTypeAndShape(v, &info));
  enum ONNXTensorElementDataType type = ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;
  OK(GetTensorElementType(info, &type));
  OK(GetDimensionsCount(info, &rank));
  t->type = (int)type, t->rank = (uint32_t)rank, t->count = 1;
  if (rank <= MAX_RANK) OK(GetDimensions(info, t->dims, rank));
  api->ReleaseTensorTypeAndShapeInfo(info);
  if (rank > MAX_RANK || !element_of(t->type)) return false;
  for (size_t i = 0; i < rank; i++) t->count *= t->dims[i];
  t->bytes = ((size_t)t->count * (size_t)element_of(t->type)->bits + 7) / 8;
  t->data = (unsigned char *)calloc(1, t->bytes + 8);
  for (int64_t i = 0; t->type == 8 && i < t->count; i++) {
    size_t n = 0;
    OK(GetStringTensorElementLength(v, (size_t)i, &n));
    char *s = (char *)calloc(1, n + 1);
    OK(GetStringTensorElement(v, n, (size_t)i, s));
    ((char **)(void *)t->data)[i] = s;
  }
  if (t->type == 8) return true;
  OK(GetTensorMutableData((OrtValue *)v, &data));
  if (t->bytes) memcpy(t->data, data, t->bytes);
  return true;
}

/* Bits are equal; NaN is NaN; with `near`, floats that are within it, relative to the larger. */
static bool same(const tensor *want, const tensor *got, double near) {
  if (want->type != got->type || want->rank != got->rank || memcmp(want->dims, got->dims, want->rank * sizeof *want->dims))
    return false;
  const element *e = element_of(want->type);
  for (int64_t i = 0; i < want->count; i++) {
    if (want->type == 8) {
      if (strcmp(((char **)(void *)want->data)[i], ((char **)(void *)got->data)[i])) return false;
      continue;
    }
    const uint64_t a = element_bits(want, i), b = element_bits(got, i);
    if (a == b) continue;
    if (!is_float(e)) return false;
    const double x = element_float(e, a), y = element_float(e, b);
    if (isnan(x) && isnan(y)) continue;
    if (!near || !(fabs(x - y) <= near * fmax(fabs(x), fabs(y)))) return false;
  }
  return true;
}

/* --- one line ----------------------------------------------------------------------------------------------------------
 */
typedef struct expectation {
  int load, run; /* codes where the model is loaded and where it is run; -1: values */
  char words[WORDS][128];
  int n_words;
} expectation;

static int code_of(const char *w) {
  for (int i = 0; i < CODES; i++)
    if (strcmp(code_names[i], w) == 0) return i;
  return -1;
}

static bool read_expectation(line *l, expectation *x) {
  *x = (expectation){.load = -1, .run = -1};
  char w[NAME];
  const char *at = l->at;
  if (!word(l, w, "")) return fail(l, "a code or a tensor is expected behind =>");
  x->load = x->run = code_of(w);
  if (x->load < 0) return l->at = at, true;
  if (take(l, '/') && (!word(l, w, "") || (x->run = code_of(w)) < 0)) return fail(l, "no such code");
  while (peek(l) == '"' && x->n_words < WORDS)
    if (!quoted(l, x->words[x->n_words++], 128)) return false;
  return !peek(l) || fail(l, "more than a code and words");
}

static void complain(const char *text, const char *how, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static void complain(const char *text, const char *how, const char *fmt, ...) {
  va_list a;
  va_start(a, fmt);
  printf("  %s\n    %s: ", text, how);
  vprintf(fmt, a);
  printf("\n");
  va_end(a);
}

static bool judge_values(const char *text, const char *how, line *l, outcome *o) {
  double near = 0;
  bool good = true;
  line e = *l; /* its tensors are not touched: only the text is read */
  for (int i = 0, k = 0; good && i < l->n_out; i++) {
    tensor want = {0}, got;
    char w[NAME], a[1500], b[1500];
    if (strcmp(l->out[i], "_") == 0) continue;
    if (k++ && !take(&e, ';')) return complain(text, how, "a value for '%s' is expected", l->out[i]), false;
    if (!word(&e, w, "") || !tensor_body(&e, w, &want))
      return complain(text, how, "%s", e.error ? e.error : "no tensor behind =>"), false;
    if (take(&e, '~')) near = strtod(e.at, (char **)&e.at);
    good = read_value(o->y[i], &got) && same(&want, &got, near);
    if (!good)
      show(&want, a, sizeof a), show(&got, b, sizeof b), complain(text, how, "%s is %s, expected %s", l->out[i], b, a);
    tensor_free(&want), tensor_free(&got);
  }
  return good && (!peek(&e) || (complain(text, how, "more than the outputs behind =>"), false));
}

static bool judge(const char *text, const char *how, line *l, const expectation *x, outcome *o) {
  if (print) {
    printf("%s\n  %-10s %s", text, how, o->code ? o->stage : "values");
    if (o->code) printf(" %s %s\n", code_name(o->code), o->message);
    for (int i = 0; !o->code && i < l->n_out; i++) {
      tensor t;
      char b[1500] = "no tensor";
      if (!o->y[i]) continue;
      if (read_value(o->y[i], &t)) show(&t, b, sizeof b);
      printf(" %s\n", b), tensor_free(&t);
    }
    return true;
  }
  if (o->code && strstr(o->message, "which cannot be opened")) return true; /* a library that this machine lacks */
  const int want = o->stage && strcmp(o->stage, "run") == 0 ? x->run : x->load;
  if (x->load < 0)
    return !o->code ? judge_values(text, how, l, o) : (complain(text, how, "%s: %s", o->stage, o->message), false);
  if (o->code != want)
    return complain(text, how, "%s %s, expected %s: %s", o->stage ? o->stage : "", code_name(o->code), code_name(want),
                    o->message),
           false;
  for (int i = 0; ours && i < x->n_words; i++)
    if (!strstr(o->message, x->words[i])) return complain(text, how, "no \"%s\" in: %s", x->words[i], o->message), false;
  if (ours && o->code && !strstr(o->message, "node 'node"))
    return complain(text, how, "no node is named in: %s", o->message), false;
  return true;
}

/* One variant of a line. */
static bool variant(const char *text, int kind, int repeat, int threads, int level) {
  line l = {.at = text, .variant = kind, .repeat = repeat};
  buffer model = {0};
  expectation x;
  outcome o = {0};
  char how[80];
  if (*l.at == '*') l.at++;
  snprintf(how, sizeof how, "%s%s%s%s", variants[kind], repeat > 1 ? ", long" : "", threads > 1 ? ", threads" : "",
           level ? "" : ", level 0");
  bool good = line_model(&l, &model) && (read_expectation(&l, &x) || print);
  if (!good)
    complain(text, how, "%s, before '%s'", l.error ? l.error : "?", l.at);
  else {
    run(&l, &model, threads, level, &o);
    good = judge(text, how, &l, &x, &o);
  }
  done(&o);
  line_free(&l);
  free(model.p);
  return good;
}

/* The variants that a line is for: "cs: " in front of it names some by their first letter, R is open rank. */
static bool wanted(const char **text, int kind) {
  const size_t n = strspn(*text, "csoR");
  const char letter = "csoR"[kind];
  if (!n || (*text)[n] != ':') return true;
  const bool found = memchr(*text, letter, n) != NULL;
  *text += n + 1 + strspn(*text + n + 1, " ");
  return found;
}

static bool one_line(const char *text) {
  const char *result = strstr(text, "=>");
  bool values = result != NULL, good = true;
  for (result = result ? result + 2 : text; *result == ' '; result++) {}
  if (isupper((unsigned char)*result)) values = false;
  for (int kind = 0; kind < VARIANTS; kind++) {
    const char *body = text;
    if (wanted(&body, kind)) good = variant(body, kind, 1, 1, ORT_ENABLE_ALL) && good;
  }
  if (!values || print) return good;
  good = variant(text, STATIC, 1, 1, ORT_DISABLE_ALL) && good;
  if (*text == '*') {
    good = variant(text, STATIC, 7, 1, ORT_ENABLE_ALL) && good;
    good = variant(text, OPEN_DIMS, 5001, 1, ORT_ENABLE_ALL) && good;
    good = variant(text, OPEN_DIMS, 5001, 4, ORT_ENABLE_ALL) && good;
  }
  return good;
}

static void count(const char *file, int number, const char *text, bool good) {
  cases++, bad += !good;
  if (tap) printf("%s %d - %s:%d %s\n", good ? "ok" : "not ok", cases, file, number, text);
}

static bool in_process(const char *text) {
  fflush(stdout);
  const pid_t child = fork();
  int status = 0;
  if (child == 0) {
    alarm(20);
    const bool good = one_line(text);
    fflush(stdout);
    _exit(!good || failures);
  }
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) printf("%s\n  dies by signal %d\n", text, WTERMSIG(status));
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void file(const char *path, const char *only) {
  static char text[LINE];
  const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
  FILE *f = fopen(path, "r");
  if (!f) {
    printf("%s cannot be read\n", path), bad++;
    return;
  }
  for (int number = 1; fgets(text, LINE, f); number++) {
    text[strcspn(text, "\n")] = 0;
    if (!*text || *text == '#' || (only && !strstr(text, only))) continue;
    const char *body = text;
    if (!strncmp(body, "x86: ", 5)) { /* what the standard leaves to the processor */
#if !defined(__x86_64__) && !defined(__i386__)
      continue;
#endif
      body += 5;
    }
    const int before = failures;
    const bool good = apart ? in_process(body) : one_line(body);
    count(name, number, body, good && failures == before);
  }
  fclose(f);
}

int main(int argc, char **argv) {
  const char *only = NULL;
  if (!abi_load(argc, argv)) return 1;
  ours = strstr(argv[1], "sardonyx") != NULL;
  apart = !ours;
  tap = getenv("CMOCKA_MESSAGE_OUTPUT") != NULL;
  OK(CreateEnv(ORT_LOGGING_LEVEL_FATAL, "table", &env));
  OK(CreateCpuMemoryInfo(OrtArenaAllocator, OrtMemTypeDefault, &cpu));
  OK(GetAllocatorWithDefaultOptions(&heap));
  for (int i = 2; i < argc; i++)
    if (strcmp(argv[i], "--print") == 0)
      print = true;
    else if (strcmp(argv[i], "--apart") == 0)
      apart = true;
    else if (strcmp(argv[i], "--only") == 0 && i + 1 < argc)
      only = argv[++i];
  for (int i = 2; i < argc; i++)
    if (strcmp(argv[i], "--only") == 0)
      i++;
    else if (argv[i][0] != '-')
      file(argv[i], only);
  api->ReleaseMemoryInfo(cpu);
  api->ReleaseEnv(env);
  failures += bad;
  return tap ? failures != 0 : abi_end("table_test");
}
