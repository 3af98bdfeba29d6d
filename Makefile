# Sentinel. `make` alone says what it can do.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
TESTS  ?=
KUSTO  := build/node/.installed

.DEFAULT_GOAL := help
.PHONY: help setup demo test check mutants interleavings conformance bench clean

help: ## Say what there is to make
	@echo 'make <target>, for example: make demo'
	@echo
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  %-14s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))
	@echo
	@echo 'PYTHON=python3.12 chooses the Python (3.11 or newer); ARGS="--act a" is passed to the demo,'
	@echo 'TESTS="tests/query -x" to pytest. Everything is installed into $(VENV) by itself.'

setup: $(STAMP) ## Make the virtual environment with Sentinel and its tools

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo 'Sentinel needs Python 3.11 or newer; "$(PYTHON)" is not. Try: make PYTHON=python3.12' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || { \
	  echo '"$(PYTHON)" cannot make virtual environments; on Debian: apt-get install python3-venv' >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

demo: $(STAMP) ## Watch Sentinel heal a small real serving stack, three acts in under four minutes
	$(BIN)/sentinel demo $(ARGS)

test: $(STAMP) $(KUSTO) ## Run the tests
	$(BIN)/python -m pytest $(TESTS)

# Microsoft's KQL parser, which tests ask what is KQL; without npm those tests say that they are skipped.
$(KUSTO):
	@mkdir -p $(@D)
	@if command -v npm >/dev/null; then \
	  npm install --prefix $(@D) --silent --no-save --no-package-lock --no-fund --no-audit @kusto/language-service-next@12.4.1 \
	    && touch $@; fi

check: $(STAMP) ## Check format, lint, types, import contracts, rules with their cases, and documentation
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/sentinel rules check
	$(BIN)/sentinel rules test
	$(BIN)/python -m pytest tests/docs

interleavings: $(STAMP) ## Live through 100,000 interleavings of faults, restarts and decisions (N="5000" for fewer)
	SENTINEL_INTERLEAVINGS=$(or $(N),100000) $(BIN)/python -m pytest -s tests/stories/test_interleavings.py

mutants: $(STAMP) ## Make one mistake at a time in the rules and name those their cases miss (PATHS="rules/causes/auth")
	$(BIN)/sentinel rules coverage --mutants --at-least 85 $(PATHS)

conformance: $(STAMP) ## Count the KQL cases of FILES="a.json b.json" that are answered right
	@$(BIN)/python tests/query/conformance.py $(if $(PAGE),--page $(PAGE)) $(FILES)

bench: $(STAMP) ## Print what ingest and queries cost, as ratios
	@set -e; for each in benchmarks/*.py; do echo "== $$each"; $(BIN)/python $$each; done

clean: ## Remove the virtual environment and everything generated
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
