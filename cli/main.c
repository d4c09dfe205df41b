// SPDX-License-Identifier: MIT
/* The program `sardonyx`: one table of commands; each has its file. It knows no library but through the public headers, so
 * every command runs on any library with ONNX Runtime's C ABI. */
#include "cli.h"
#include "library.h"
#include "term.h"
#include <string.h>

static int run_version(int count, char **args);
static int run_help(int count, char **args);

static const cli_group general_only[] = {{"Options", cli_general_options}, {NULL}};

static const cli_command version_command = {
    .name = "version",
    .args = "",
    .summary = "version of the library, what it offers",
    .text = "Prints the version, file, API and execution providers of the library.\n",
    .groups = general_only,
    .run = run_version,
};

static const cli_command help_command = {
    .name = "help",
    .args = "[COMMAND]",
    .summary = "explain a command",
    .text = "Explains a command, or lists them all.\n",
    .groups = general_only,
    .most = 1,
    .run = run_help,
};

static const cli_command *const commands[] = {
    &cli_command_run,   &cli_command_bench,    &cli_command_compare, &cli_command_info, &cli_command_explain,
    &cli_command_check, &cli_command_quantize, &cli_command_test,    &version_command,  &help_command,
};
enum { COMMANDS = sizeof commands / sizeof *commands };

static const cli_command *find(const char *name) {
  for (int i = 0; i < COMMANDS; i++)
    if (!strcmp(commands[i]->name, name)) return commands[i];
  return NULL;
}

static void print_overview(FILE *to) {
  const char *bold = term_code(to, TERM_BOLD), *plain = term_code(to, TERM_PLAIN);
  fprintf(to, "sardonyx runs ONNX models.\n\n%sUsage:%s sardonyx COMMAND [OPTIONS] ...\n\n%sCommands%s\n", bold, plain,
          bold, plain);
  for (int i = 0; i < COMMANDS; i++) fprintf(to, "  %-8s  %s\n", commands[i]->name, commands[i]->summary);
  fprintf(to,
          "\n%sFirst steps%s\n"
          "  sardonyx info model.onnx                            what goes in and out\n"
          "  sardonyx run model.onnx --fill random               does it run?\n"
          "  sardonyx run model.onnx cat.png --top 5             a picture in, the best classes out\n"
          "  sardonyx run model.onnx ids=ids.npy -o out.npz      arrays in, arrays out\n"
          "  sardonyx bench model.onnx --threads 4               how fast, how much memory\n"
          "  sardonyx compare model.onnx --with libonnxruntime.so   same numbers as that library?\n"
          "  sardonyx test cases/                                ONNX test cases\n"
          "\n'sardonyx COMMAND --help' teaches each command with examples.\n"
          "\n%sExit codes%s\n"
          "  0  done, all is well\n"
          "  1  done, and the answer is no: a mismatch, a failed case, a problem in the model\n"
          "  2  the command line makes no sense\n"
          "  3  a model, a file or the library failed\n"
          "  4  the library lacks Sardonyx's extensions (explain, check and quantize need them)\n",
          bold, plain, bold, plain);
}

static int run_help(int count, char **args) {
  const cli_command *c = count ? find(args[0]) : NULL;
  if (count && !c) return cli_fail(CLI_USAGE, "no command '%s'; 'sardonyx help' lists them", args[0]), CLI_USAGE;
  if (c)
    cli_options_help(stdout, c);
  else
    print_overview(stdout);
  return CLI_OK;
}

static int run_version(int count, char **args) {
  library *lib = library_open(cli_opts.library);
  if (!lib) return cli_failure_code();
  uint32_t newest = LIBRARY_API_VERSION;
  const char *version = lib->base->GetVersionString();
  if (sscanf(version, "1.%u", &newest) != 1) newest = LIBRARY_API_VERSION;
  printf("library     %s\nversion     %s\nAPI         1 to %u\n", lib->path, version, (unsigned)newest);
  printf("build       %s\n", lib->api->GetBuildInfoString());
  char **providers = NULL;
  int n = 0;
  if (library_ok(lib, lib->api->GetAvailableProviders(&providers, &n))) {
    printf("providers  ");
    for (int i = 0; i < n; i++) printf(" %s", providers[i]);
    printf("\n");
    OrtStatus *status = lib->api->ReleaseAvailableProviders(providers, n);
    if (status) lib->api->ReleaseStatus(status);
  }
  const SardonyxExtension *x = library_extension(lib);
  if (x)
    printf("extension   version %u\n", (unsigned)x->version);
  else
    printf("extension   none: explain and check will not run\n");
  library_close(lib);
  return cli_failure_code();
}

static int dispatch(int argc, char **argv) {
  bool help = false;
  int count = 0;
  if (argc < 2) {
    print_overview(stderr);
    return CLI_USAGE;
  }
  const char *name = argv[1];
  if (!strcmp(name, "--help") || !strcmp(name, "-h")) name = "help";
  if (!strcmp(name, "--version") || !strcmp(name, "-V")) name = "version";
  const cli_command *c = find(name);
  if (!c) return cli_fail(CLI_USAGE, "no command '%s'; 'sardonyx help' lists them", name), CLI_USAGE;
  if (!cli_options_parse(c, argc - 2, argv + 2, &count, &help)) return CLI_USAGE;
  if (!help) return c->run(count, argv + 2);
  cli_options_help(stdout, c);
  return CLI_OK;
}

int main(int argc, char **argv) {
  int code = dispatch(argc, argv);
  term_progress_end();
  if (cli_failure_code()) {
    fflush(stdout);
    fprintf(stderr, "%ssardonyx: error:%s %s\n", term_code(stderr, TERM_RED), term_code(stderr, TERM_PLAIN),
            cli_failure_text());
    code = cli_failure_code();
  }
  if (fflush(stdout) && code == CLI_OK) code = CLI_BROKEN;
  return code;
}
