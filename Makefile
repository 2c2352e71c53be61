# The tasks of a contributor. `make help` lists them; `make check` is what CI runs.

PYTHON ?= $(shell test -x .venv/bin/python && echo .venv/bin/python || echo python3)
MODULE := $(PYTHON) -m

# Rules and disk are covered to the last branch; the rest rises from here.
WHOLE := */maestrod/domain/*,*/maestrod/protocol/*,*/maestrod/store/*
OVERALL := 85
# Their own tests cover all of it, alone and within a minute.
RULES := tests/domain tests/protocol tests/store tests/model tests/skills

.DEFAULT_GOAL := help
.PHONY: help setup check lint fmt test cov gates gate-rules rules slow fuzz mutants e2e-real bench docs run

help: ## this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

setup: ## a virtual environment in .venv with everything a contributor needs
	@if command -v uv >/dev/null; then uv sync --group dev; else \
	  python3 -m venv .venv && \
	  .venv/bin/python -m pip install -q --upgrade pip && \
	  .venv/bin/python -m pip install -q --editable . --group dev; fi
	@echo "ready: make check"

check: lint cov ## every gate, as CI runs them

lint: ## format, lint, types, who may import whom
	$(MODULE) ruff format --check .
	$(MODULE) ruff check .
	$(MODULE) mypy
	$(PYTHON) -c "from importlinter.cli import lint_imports_command as main; main()"

fmt: ## put the code in shape
	$(MODULE) ruff format .
	$(MODULE) ruff check --fix --exit-zero .

test: ## the tests, without the slow ones
	$(MODULE) pytest

cov: ## the tests, measured and held to the gate of everything
	$(MODULE) coverage erase
	$(MODULE) coverage run -m pytest
	@$(MAKE) --no-print-directory gates

gates: ## the coverage gate on what `make cov` measured
	$(MODULE) coverage combine --quiet --keep
	$(MODULE) coverage report --fail-under=$(OVERALL)

gate-rules: ## the gate of rules and disk, on what `coverage run -m pytest $(RULES)` measured
	$(MODULE) coverage combine --quiet --keep
	$(MODULE) coverage report --include='$(WHOLE)' --fail-under=100

rules: ## which tests hold rules and disk
	@echo $(RULES)

slow: ## soaks, kill loops and simulations: minutes
	$(MODULE) pytest -m slow --timeout 1800 --ignore tests/mutants --ignore tests/daemon/test_fuzz.py

fuzz: ## made-up requests to every route, by every kind of caller: half an hour
	$(MODULE) pytest -m slow --timeout 1800 tests/daemon/test_fuzz.py

mutants: ## faults planted in a copy of store and engine: each must be noticed
	$(MODULE) pytest -m slow tests/mutants

e2e-real: ## the real agents with a model on loopback; MAESTRO_REAL_AGENTS names their folder
	$(MODULE) pytest -n0 -m real tests/real

bench: ## one table: ours, the reference, the ratio
	$(MODULE) tests.bench

docs: ## what pages take from the code, written; their commands and links, checked
	for page in cli events nouns plugins service; do $(PYTHON) docs/$$page.py || exit 1; done
	$(MODULE) pytest -n0 tests/architecture/test_pages.py tests/architecture/test_noun_pages.py

run: ## the daemon in the foreground, from this checkout
	$(MODULE) maestrod
