# Peyvand: `make help` lists what there is. Needs make and Python 3.11 or newer, nothing else.

SHELL := /bin/sh
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet install --require-hashes --only-binary :all:

.PHONY: .venv
.venv: .venv/developer ## Make the virtual environment with everything a developer needs

.venv/runtime: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Peyvand needs Python 3.11 or newer; set PYTHON=/path/to/python3.11.")'
	@test -x $(BIN)/python || { echo "Making a virtual environment in .venv ..."; $(PYTHON) -m venv .venv; }
	@echo "Installing what Peyvand runs on (pinned, with hashes) ..."
	@$(PIP) -r requirements.txt
	@touch $@

.venv/developer: requirements-dev.txt .venv/runtime
	@echo "Installing what tests and checks need ..."
	@$(PIP) -r requirements-dev.txt
	@touch $@
