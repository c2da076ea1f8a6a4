# Each target begins by saying what it does. Nothing outside this folder is changed; delete .venv to start afresh.

PYTHON ?= $(firstword $(foreach name,python3 python3.13 python3.12 python3.11 python,$(shell command -v $(name) 2>/dev/null)))
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
TOKEN_IS_SET := $(strip $(DIGITALOCEAN_TOKEN)$(DIGITALOCEAN_ACCESS_TOKEN)$(DO_TOKEN))
SAY = @printf '%s\n'

.PHONY: help audit lab test quick test-oldest check format bench sample pictures screenshots lock clean

help: ## list what can be made
	$(SAY) "make TARGET, where TARGET is one of:"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' Makefile | expand -t 16

audit: $(VENV)/.audit ## audit your account, or the simulated one if no token is set
	$(SAY) "audit: reads every action of the account and writes a report under data/reports."
	@$(BIN)/doaudit audit $(if $(TOKEN_IS_SET),,--demo)

lab: $(VENV)/.lab ## open JupyterLab on the notebooks
	$(SAY) "lab: opens JupyterLab on notebooks/; Ctrl-C here ends it."
	@$(BIN)/doaudit lab notebooks $(if $(LAB_OPTIONS),-- $(LAB_OPTIONS))

test: $(VENV)/.dev ## run the whole test suite
	$(SAY) "test: runs the whole test suite against the simulated account; no token, no internet."
	@$(BIN)/python -m pytest

quick: $(VENV)/.dev ## run the tests without the slow ones
	$(SAY) "quick: runs the tests, without the ones marked slow or browser."
	@$(BIN)/python -m pytest -q -m "not slow and not browser"

test-oldest: .venv-oldest/.dev ## run the tests on pandas 2.3 and ipykernel 6.31
	$(SAY) "test-oldest: runs the tests, without the slow ones, on pandas 2.3 and ipykernel 6.31."
	@.venv-oldest/bin/python -m pytest -q -m "not slow and not browser"

check: $(VENV)/.dev ## check style, types and floors
	$(SAY) "check: looks at style (ruff), types (mypy) and which room imports which (import-linter)."
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(VENV)/.dev ## put the code into its form
	$(SAY) "format: mends what ruff can mend."
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: $(VENV)/.dev ## measure speed and size against peers and bounds
	$(SAY) "bench: measures speed and size; takes a few minutes."
	@$(BIN)/python benchmarks/run.py

sample: $(VENV)/.dev ## write data/sample_actions.csv anew
	$(SAY) "sample: writes data/sample_actions.csv from the simulated account."
	@$(BIN)/python data/make_sample.py

pictures: $(VENV)/.dev ## draw the README's pictures anew
	$(SAY) "pictures: draws the README's pictures from the simulated account."
	@$(BIN)/python docs/make_pictures.py

screenshots: $(VENV)/.dev ## take pictures of the notebooks and panels in JupyterLab
	$(SAY) "screenshots: opens every notebook and panel in JupyterLab and keeps what is seen under screenshots/."
	@DOAUDIT_SCREENSHOTS=1 $(BIN)/python -m pytest -q -m browser tests/browser

lock: $(VENV)/.dev ## choose the newest versions of all dependencies again
	$(SAY) "lock: writes locks/*.txt anew; needs the internet and uv."
	@$(PIP) install uv
	@$(BIN)/python locks/lock.py

clean: ## delete what was set up and cached; reports stay
	$(SAY) "clean: deletes the virtual environments and caches; reports stay."
	@rm -rf .venv .venv-oldest .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

$(VENV)/.python .venv-oldest/.python:
	@test -n "$(PYTHON)" || { echo "There is no python3 here. Install Python 3.11 or newer from https://www.python.org/downloads, then run this again."; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is `"$(PYTHON)" -c 'import platform; print(platform.python_version())'`, and doaudit needs Python 3.11 or newer. Install one, then run: make $(MAKECMDGOALS) PYTHON=/path/to/it"; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) comes without venv. On Debian or Ubuntu run: sudo apt install python3-venv; then run this again."; exit 1; }
	@"$(PYTHON)" -m venv $(@D)
	@touch $@

$(VENV)/.audit $(VENV)/.lab $(VENV)/.dev .venv-oldest/.dev: pyproject.toml

$(VENV)/.audit: $(VENV)/.python locks/audit.txt
	$(SAY) "Setting up .venv for the audit, about half a minute ..."
	@$(PIP) install --require-hashes -r locks/audit.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.lab: $(VENV)/.audit locks/lab.txt
	$(SAY) "Adding JupyterLab to .venv, about a minute ..."
	@$(PIP) install --require-hashes -r locks/lab.txt
	@touch $@

$(VENV)/.dev: $(VENV)/.audit locks/dev.txt
	$(SAY) "Adding the tools for tests to .venv, about a minute ..."
	@$(PIP) install --require-hashes -r locks/dev.txt
	@touch $@ $(VENV)/.lab

.venv-oldest/.dev: .venv-oldest/.python locks/oldest.txt
	$(SAY) "Setting up .venv-oldest, about two minutes ..."
	@.venv-oldest/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes -r locks/oldest.txt
	@.venv-oldest/bin/python -m pip --disable-pip-version-check --quiet install --no-deps --no-build-isolation -e .
	@touch $@
