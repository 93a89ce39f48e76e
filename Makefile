# Peyvand: `make help` lists what there is. Needs make and Python 3.11 or newer, nothing else.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
PYTHON ?= python3
BIN := .venv/bin
# The lock files are whole, so nothing is resolved: an older pip asks for the newest of what has extras.
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet install --no-deps --require-hashes --only-binary :all:
CODE := app emails workers config.py wsgi.py migrations/env.py docs bench tests
CATALOGUES := $(patsubst %.po,%.mo,$(wildcard app/translations/*/LC_MESSAGES/*.po))
# One more than the cores of a small machine: browsers and servers are often waited for.
PROCESSES ?= 3
# The rooms' own tests: what journeys, faults and attacks run besides would only make measuring slow.
ROOMS := $(addprefix tests/,audience core desk newsletters optin organisations outbox petitions staff workers)

.PHONY: help
help: ## Show this list
	@awk 'BEGIN { FS = ":.*## " } \
	  /^##@/ { printf "\n%s\n", substr($$0, 5) } \
	  /^[a-z.][a-z.-]*:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

##@ Run it

.PHONY: run
run: .venv/runtime $(CATALOGUES) ## Start Peyvand here, with a demo: web, worker and mailbox (PORT=8000)
	@exec $(BIN)/python -m workers embedded

##@ Work on it

.PHONY: .venv
.venv: .venv/developer ## Make the virtual environment with all that tests and checks need

.PHONY: test
test: .venv/developer $(CATALOGUES) ## Run all tests with the servers found here (ARGS=... goes to pytest)
	@echo "Running the tests; what no server was found for is named at the end."
	@$(BIN)/python -m pytest -q -n $(PROCESSES) --dist loadgroup $(ARGS)

.PHONY: coverage
coverage: .venv/developer $(CATALOGUES) ## Run the rooms' tests and hold verb and query modules to 95 % coverage
	@$(BIN)/python -m pytest -q -n $(PROCESSES) --dist loadgroup $(ROOMS) $(ARGS) \
	  --cov --cov-report=term:skip-covered --cov-fail-under=95

.PHONY: format
format: .venv/developer ## Format the code and put its imports in order
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

.PHONY: check
check: .venv/developer $(CATALOGUES) ## Formatting, lint, types, import rules, catalogues, docs in step
	@echo "Formatting ..."
	@$(BIN)/ruff format --check --quiet . || { echo "Run make format."; exit 1; }
	@echo "Lint ..."
	@$(BIN)/ruff check --quiet .
	@echo "Types ..."
	@$(BIN)/mypy $(CODE)
	@echo "Import rules ..."
	@$(BIN)/lint-imports
	@echo "Catalogues, docs, sizes and the other rules of the house ..."
	@$(BIN)/python -m pytest -q tests/architecture

.PHONY: pictures
pictures: .venv/developer $(CATALOGUES) ## Draw docs/pictures anew, in a real browser
	@PEYVAND_WRITE_PICTURES=1 $(BIN)/python -m pytest -q tests/journeys/test_pictures.py

.PHONY: docs
docs: .venv/runtime ## Write docs/data.md and docs/settings.md anew, from models and settings
	@$(BIN)/python -m docs.generate

.PHONY: rules
rules: .venv/developer $(CATALOGUES) ## Break each rule of docs/rules.md in a copy, and see its test fail (RULES="C05 C18")
	@$(BIN)/python -m docs.breaking $(RULES)

.PHONY: bench
bench: .venv/developer $(CATALOGUES) ## Measure sending, signing and reading beside their limits (see bench/README.md)
	@$(BIN)/python -m bench.send
	@$(BIN)/python -m bench.sign
	@$(BIN)/python -m bench.page
	@$(BIN)/python -m bench.oracle
	@$(BIN)/python -m bench.start

##@ Translate it

.PHONY: catalogues
catalogues: .venv/runtime ## Bring app/translations in step with the texts in code and templates
	@$(BIN)/pybabel --quiet extract --mapping-file babel.cfg --add-comments "i18n:" \
	  --keywords lazy_gettext --keywords lazy_pgettext:1c,2 --keywords lazy_ngettext:1,2 \
	  --project Peyvand --msgid-bugs-address "see README.md" --sort-by-file --add-location file --output app/translations/messages.pot .
	@test -n "$(CATALOGUES)" || { echo "There is no catalogue yet: make catalogue LOCALE=fa"; exit 1; }
	@$(BIN)/pybabel --quiet update --input-file app/translations/messages.pot \
	  --output-dir app/translations --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date
	@echo "Now fill in what is empty in app/translations/*/LC_MESSAGES/messages.po, then: make check"

.PHONY: catalogue
catalogue: .venv/runtime ## Begin a new language (LOCALE=de), after make catalogues
	@test -n "$(LOCALE)" || { echo "Say which: make catalogue LOCALE=de"; exit 1; }
	@$(BIN)/pybabel --quiet init --input-file app/translations/messages.pot \
	  --output-dir app/translations --locale $(LOCALE)
	@echo "Translate app/translations/$(LOCALE)/LC_MESSAGES/messages.po; PEYVAND_LOCALES turns it on."

%.mo: %.po .venv/runtime
	@echo "Compiling $< ..."
	@$(BIN)/pybabel --quiet compile --input-file $< --output-file $@

##@ Look after it

.PHONY: migration
migration: .venv/developer ## Draft a migration from the models (MESSAGE="what changes")
	@test -n "$(MESSAGE)" || { echo 'Say what changes: make migration MESSAGE="..."'; exit 1; }
	@$(BIN)/alembic revision --autogenerate --message "$(MESSAGE)"

.PHONY: lock
lock: ## Pin the newest allowed versions again, with hashes (needs uv)
	@command -v uv >/dev/null || { echo "make lock needs uv (pip install uv)"; exit 1; }
	@echo "Pinning what Peyvand runs on ..."
	@$(LOCK) --output-file requirements.txt
	@echo "Pinning what tests and checks need ..."
	@$(LOCK) --group dev --constraints requirements.txt --output-file requirements-dev.txt

# uv writes no address into the files unless it is asked to; the header would hold the command.
LOCK := uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --quiet \
  --upgrade --no-header

.PHONY: clean
clean: ## Remove the virtual environment and all caches; instance/ stays
	@rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .coverage htmlcov
	@find app emails workers tests migrations -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true
	@rm -f $(CATALOGUES)

.venv/runtime: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Peyvand needs Python 3.11 or newer: make PYTHON=/path/to/python3.11")'
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || { \
	  echo "Making a virtual environment in .venv ..."; \
	  $(PYTHON) -m venv --clear .venv || { \
	    echo "Python could not make it. On Debian and Ubuntu: apt install python3-venv"; exit 1; }; }
	@echo "Installing what Peyvand runs on (pinned, with hashes) ..."
	@$(PIP) -r requirements.txt
	@touch $@

.venv/developer: requirements-dev.txt .venv/runtime
	@echo "Installing what tests and checks need ..."
	@$(PIP) -r requirements-dev.txt
	@touch $@
