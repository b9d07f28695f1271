# Every target sets up .venv by itself; only Python 3.11 or later, make and git are needed.
# ARGS is passed on: make test ARGS="tests/unit -x"

.DEFAULT_GOAL := help
SHELL := /bin/bash
MAKEFLAGS += --no-print-directory

UV_VERSION := 0.13.8
PYTHON ?= $(shell for name in python3 python3.13 python3.12 python3.11; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && break; done)
ARGS ?=
bin := .venv/bin
compose = $(if $(shell docker compose version 2>/dev/null),docker compose,docker-compose)
manifests := pyproject.toml $(wildcard libs/*/pyproject.toml services/*/pyproject.toml cli/pyproject.toml)

# Wheels lying on this machine are used where PIP_FIND_LINKS or UV_FIND_LINKS says so.
blank := $(subst ,, )
comma := ,
find_links := $(or $(UV_FIND_LINKS),$(subst $(blank),$(comma),$(strip $(PIP_FIND_LINKS))))
pip_find_links := $(foreach place,$(subst $(comma),$(blank),$(find_links)),--find-links $(place))
ifneq ($(find_links),)
export UV_FIND_LINKS := $(find_links)
endif
export UV_PYTHON_DOWNLOADS := never
export UV_PYTHON := $(CURDIR)/.venv/bin/python
export UV_PROJECT_ENVIRONMENT := $(CURDIR)/.venv
unexport VIRTUAL_ENV
# Processes start in half the time when Python may keep what it has compiled.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help setup demo test test-long check fmt bench up down docs lock clean compose-secrets compose-up compose-down

help:  ## Show what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/.synced  ## Set up .venv (the other targets do it by themselves)
	@echo "Ready. Next: make demo, make test"

demo: .venv/.synced  ## Run the whole system on generated market data; no keys, no server
	$(bin)/trimtab demo $(ARGS)

test: .venv/.synced  ## Run every test that does not take minutes
	$(bin)/pytest -m "not long" $(ARGS)

test-long: .venv/.synced  ## Run the tests that take minutes
	$(bin)/pytest -m long $(ARGS)

check: .venv/.synced  ## Format, lint, types, imports, unit and architecture tests: under a minute
	$(bin)/ruff format --check .
	$(bin)/ruff check .
	$(bin)/mypy
	$(bin)/lint-imports
	$(bin)/pytest -q -m "not long" tests/unit tests/architecture $(ARGS)

fmt: .venv/.synced  ## Put the code in the house's format
	$(bin)/ruff check --fix-only .
	$(bin)/ruff format .

bench: .venv/.synced  ## Measure against floors and peers; ARGS="--json" for one JSON list
	$(bin)/python -m benchmarks $(ARGS)

up: .venv/.synced  ## Start Trimtab on this machine
	$(bin)/trimtab up $(ARGS)

down: .venv/.synced  ## Stop Trimtab
	$(bin)/trimtab down $(ARGS)

docs: .venv/.synced  ## Write the generated references anew
	$(bin)/trimtab docs $(ARGS)

compose-secrets:  ## Write .env and random passwords for containers; what exists is kept
	@deploy/secrets.sh

compose-up: compose-secrets  ## Start Trimtab in containers
	$(compose) up -d $(ARGS)

compose-down:  ## Stop the containers; their data stay
	$(compose) down $(ARGS)

lock: .venv/bin/uv  ## Write uv.lock anew after a manifest has changed
	UV_FIND_LINKS= $(bin)/uv lock $(ARGS)

clean:  ## Remove .venv and every cache; var/ (what Trimtab has written) stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage dist
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +

.venv/.synced: uv.lock $(manifests) | .venv/bin/uv
	$(bin)/uv sync --frozen --all-packages --inexact --compile-bytecode
	@$(bin)/python -m compileall -q libs services cli
	@touch $@

.venv/bin/uv:
	@if [ -z "$(PYTHON)" ]; then \
		echo "Trimtab needs Python 3.11 or later and found none as python3, python3.11, python3.12 or python3.13." >&2; \
		echo "Install one, or name it: make PYTHON=/path/to/python3 setup" >&2; exit 1; fi
	@if ! problem=$$($(PYTHON) -m venv .venv 2>&1); then \
		if $(PYTHON) -m venv --clear --without-pip .venv 2>/dev/null && $(PYTHON) -m pip --version >/dev/null 2>&1; then \
			$(PYTHON) -m pip --python .venv/bin/python install -q $(pip_find_links) uv==$(UV_VERSION); \
		else \
			rm -rf .venv; echo "$$problem" >&2; \
			echo "$(PYTHON) cannot make a virtual environment. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; \
		fi; \
	fi
	@[ -x $@ ] || $(bin)/python -m pip install -q $(pip_find_links) uv==$(UV_VERSION)
