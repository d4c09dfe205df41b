// SPDX-License-Identifier: MIT
/* One case in ONNX's form: a folder with model.onnx and test_data_set_N/{input,output}_K.pb. The package's light models are
 * cases too: X.onnx with X_output_K.pb beside it, whose inputs count up from 0 to 1. */
#ifndef CLI_TEST_CASE_H
#define CLI_TEST_CASE_H
#include "library.h"

typedef struct test_case {
  char *name;   /* path below the folder given on the command line, '/' between parts */
  char *model;  /* path of the model */
  char *stem;   /* of a light model: the path up to "_output_K.pb"; else NULL */
  char *folder; /* that holds the data sets */
} test_case;

typedef struct test_list {
  test_case *cases;
  size_t count;
} test_list;

/* Adds the cases at and below `root`. */
void test_find(const char *root, test_list *list);
void test_list_free(test_list *list);

/* Tolerances that the case's data.json asks for, where it does. */
void test_tolerance(const test_case *c, value_tolerance *t);
/* Loads the model and runs every data set; with threads > 0 a second time on so many, with the same bits as the answer. False and *why (fresh text) when something is not as expected. */
bool test_run(library *lib, const test_case *c, value_tolerance t, int threads, char **why);
#endif
