# SPDX-License-Identifier: MIT
# A thin front for CMake; packagers use CMake directly. BUILD=folder and CMAKE_ARGS=... reach it.
BUILD ?= build
PREFIX ?= /usr/local
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
GENERATOR := $(if $(shell command -v ninja),Ninja,Unix Makefiles)
PYTHON = $(if $(wildcard build/venv/bin/python),build/venv/bin/python,python3)
.DEFAULT_GOAL := all
.PHONY: all reduced demo test test-clients check asan ubsan tsan fuzz bench bench-operators cases suite operators schema slots keys golden digits format lint size install package wheel docs clean help

help:  ## this list
	@sed -n 's/^\([a-z][a-z -]*\):.*## /\1\t/p' Makefile | expand -t 14

all: $(BUILD)/CMakeCache.txt  ## the library and the program, in build/
	@cmake --build $(BUILD) -j $(JOBS)

$(BUILD)/CMakeCache.txt:
	@command -v cmake >/dev/null || { echo "cmake is not here; 'tools/setup.sh build' installs what is missing"; exit 1; }
	@cmake -S . -B $(BUILD) -G "$(GENERATOR)" -DCMAKE_EXPORT_COMPILE_COMMANDS=ON $(CMAKE_ARGS)

LIST = $(if $(OPS),$(OPS),$(BUILD)/reduced/models.txt)
reduced: $(if $(OPS),$(BUILD)/CMakeCache.txt,$(if $(MODELS),all))  ## a smaller library: OPS=FILE with operators, or MODELS="a.onnx b.onnx" (docs/REDUCED.md)
	@test -n "$(OPS)$(MODELS)" || { echo 'make reduced OPS=file, or make reduced MODELS="a.onnx b.onnx": docs/REDUCED.md'; exit 2; }
	@mkdir -p $(BUILD)/reduced
	@$(if $(OPS),true,$(PYTHON) tools/reduce_ops.py models $(BUILD)/sardonyx $(LIST) $(MODELS))
	@cmake -S . -B $(BUILD) -DSX_OPS=$(LIST) >/dev/null
	@cmake --build $(BUILD) -j $(JOBS) --target reduced_$(basename $(notdir $(LIST)))
	@ls -lL $(BUILD)/reduced/$(basename $(notdir $(LIST)))/libsardonyx.*

demo:  ## builds everything and recognises handwritten digits
	@tools/setup.sh build
	@$(MAKE) --no-print-directory all
	@$(BUILD)/digits $(ARGS)

test:  ## every test; the last line counts them
	@tools/setup.sh test
	@$(MAKE) --no-print-directory all
	@$(PYTHON) tools/run_tests.py --build $(BUILD) $(LAYERS)

test-clients: all  ## published clients (npm, Go, Maven, PyPI) over this library
	@$(PYTHON) tools/run_tests.py --build $(BUILD) clients

check: all  ## the quick ones: layering, unit tests, ABI tests (under two minutes)
	@$(PYTHON) tools/run_tests.py --build $(BUILD) house unit

asan ubsan tsan: ## unit and ABI tests under a sanitizer; asan: ONNX's cases, too
	@$(PYTHON) tools/run_tests.py --build $(BUILD) $@

fuzz: all  ## fuzzes each entry point for FUZZ_SECONDS (60) with clang, then random graphs
	@tools/fuzz.sh build-fuzz
	@$(PYTHON) tools/fuzz_graphs.py $(BUILD)/libsardonyx.so --seconds $${FUZZ_SECONDS:-60} --jobs $(JOBS)

bench-operators: all  ## single operators against ONNX Runtime, docs/PERFORMANCE_OPERATORS.md
	@$(PYTHON) bench/operators.py $(BUILD) $(ARGS)

bench: all  ## side by side with ONNX Runtime, where its Python package is installed
	@bench/run.sh $(BUILD) $(ARGS)

cases:  ## ONNX's own test cases, written to build/cases
	@tools/setup.sh test
	@$(PYTHON) tools/gen_cases.py build/cases

suite: all  ## takes cases that pass now off tests/suite/expected_failures.txt and raises floor.txt
	@$(PYTHON) tools/run_tests.py --build $(BUILD) --update-suite

operators: all  ## docs/OPERATORS.md anew, and the list of gaps; every type is run beside a float twin
	@$(PYTHON) tools/coverage.py $(BUILD) $(BUILD)/coverage --run --compare
	@$(PYTHON) tools/coverage.py $(BUILD) $(BUILD)/coverage --doc docs/OPERATORS.md --gaps tests/suite/coverage_gaps.txt

schema:  ## writes src/ops/schema.gen.inc anew (needs the pinned onnx package: tools/setup.sh test)
	@$(PYTHON) tools/gen_schema.py

slots:  ## writes docs/ABI.md anew, out of src/abi/slots.def
	@$(PYTHON) tools/gen_slots.py

keys:  ## writes docs/CONFIG.md and the headers of configuration keys anew, out of src/abi/keys.def
	@$(PYTHON) tools/gen_keys.py

golden:  ## tests/model/cases anew: models, inputs, answers in float64
	@$(PYTHON) tools/make_golden.py

digits:  ## trains the demo's model anew (needs scikit-learn)
	@$(PYTHON) tools/train_digits.py

format:  ## clang-format over what differs from main
	@git diff --name-only --diff-filter=d $$(git merge-base main HEAD) -- '*.c' '*.h' | xargs -r clang-format -i

lint:  ## layering, exported symbols, file lengths
	@$(PYTHON) tools/run_tests.py --build $(BUILD) house

size: all  ## the library's bytes by folder, the longest files
	@$(PYTHON) tools/size_report.py $(BUILD)

install: all  ## into PREFIX (/usr/local), below DESTDIR where that is set
	@cmake --install $(BUILD) --prefix $(PREFIX)

package: all  ## a tarball and, where dpkg-deb is, a Debian package, in build/package
	@cpack --config $(BUILD)/CPackConfig.cmake -B $(BUILD)/package

wheel:  ## wheels with a manylinux tag, in build/wheel; PYTHONS="python3.12 python3.13t" names the interpreters
	@tools/wheel.sh $(BUILD)/wheel $(PYTHONS)

docs:  ## the site, in build/site: docs/, bindings/python/docs and the docstrings, by Sphinx
	@test -x $(BUILD)/venv-python/bin/python || python3 -m venv $(BUILD)/venv-python
	@$(BUILD)/venv-python/bin/python -m pip install -q --disable-pip-version-check "bindings/python[docs]"
	@$(BUILD)/venv-python/bin/python -m sphinx -q -W -b html bindings/python/docs $(BUILD)/site

clean:
	@cmake -E rm -rf $(BUILD)/CMakeCache.txt $(BUILD)/CMakeFiles $(BUILD)/cases build-asan build-tsan build-aarch64 build-fuzz build-python* build-wasm32-wasi \
	  build-x86_64-windows-gnu
	@if [ -e $(BUILD)/build.ninja ]; then ninja -C $(BUILD) -t clean >/dev/null 2>&1 || true; fi
