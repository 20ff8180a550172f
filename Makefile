# Aurora. `make` lists the targets.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
UV := $(shell command -v uv 2>/dev/null)
# Telemetry of every library is off, also for tools that start here.
export DO_NOT_TRACK = 1
export MLFLOW_DISABLE_TELEMETRY = true
export DBT_SEND_ANONYMOUS_USAGE_STATS = false

.PHONY: help
help: ## List the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# The lock holds hashes and no host; uv is used when present, pip otherwise: same versions either way.
$(VENV)/.installed: requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "Aurora needs Python 3.11 ($(PYTHON) not found). Install it, or: make PYTHON=/path/to/python3.11 run"; exit 6; }
	@echo "Installing the locked packages into $(VENV) (once; about 15 s with uv, 2 to 3 minutes with pip)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
ifdef UV
	@$(UV) pip sync --quiet --python $(BIN)/python --require-hashes --compile-bytecode requirements.lock
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
else
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
endif
	@touch $@

.PHONY: install
install: $(VENV)/.installed ## Make .venv from the lock

.PHONY: run
run: install ## Build the lake on first start, then serve pages, API and Dagster
	@exec $(BIN)/aurora up

.PHONY: test
test: install ## Run the whole suite
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

.PHONY: quick
quick: install ## Run the tests that take under 20 s together
	@$(BIN)/python -m pytest -q -n 2 tests/house tests/contracts tests/compliance tests/packs

.PHONY: check
check: install lint test ## Everything CI runs: lint, types, import rules, SQL format, docs, tests

.PHONY: lint
lint: install ## Lint, types, import rules, SQL format
	@$(BIN)/ruff format --check --quiet . && $(BIN)/ruff check --quiet .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-cache >/dev/null || $(BIN)/lint-imports --no-cache
	@$(BIN)/sqlfmt --check --quiet dbt_project
	@echo "lint: ok"

.PHONY: format
format: install ## Write the house format
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format --quiet . && $(BIN)/sqlfmt --quiet dbt_project

.PHONY: docs
docs: install ## Regenerate the reference pages and the README's figures
	@$(BIN)/python -m apps.reference && $(BIN)/python -m orchestration write-kpis

.PHONY: lock
lock: ## Resolve requirements.lock anew (needs uv)
	@uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes \
	  --no-strip-extras --no-annotate --no-header --quiet --output-file requirements.lock

.PHONY: bench
bench: install ## Run a bench: make bench NAME=decide
	@$(BIN)/aurora bench $(NAME) --json

.PHONY: clean
clean: ## Remove the local lake and caches; .venv stays
	@rm -rf data .pytest_cache .mypy_cache .ruff_cache .hypothesis build *.egg-info
