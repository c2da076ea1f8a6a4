# Each target begins by saying what it does. Nothing outside this folder is changed; delete .venv to start afresh.

PYTHON ?= $(firstword $(foreach name,python3 python3.13 python3.12 python3.11 python,$(shell command -v $(name) 2>/dev/null)))
VENV := .venv
BIN := $(VENV)/bin
# `make UV=uv ...` sets environments up with uv, which takes a fraction of the time of pip.
UV ?=
install = $(if $(UV),$(UV) pip install --quiet --python $(1)/bin/python,$(1)/bin/python -m pip --disable-pip-version-check --quiet install)
TOKEN_IS_SET := $(strip $(DIGITALOCEAN_TOKEN)$(DIGITALOCEAN_ACCESS_TOKEN)$(DO_TOKEN))
SAY = @printf '%s\n'

WORKERS ?= -n 2 --dist loadfile --no-loadscope-reorder
MINORS ?= 3.12 3.13
QUICK = not thorough and not browser and not release
# What a second version of pandas or Python has most to do with; `make test-release` runs all tests on each.
ON_PANDAS = $(addprefix tests/,show explore test_csv.py processes/test_kernel.py widgets/test_explorer.py) $(addprefix tests/analysis/test_,every_table.py many_accounts.py findings.py)
ON_PYTHON = $(addprefix tests/,api operations test_secret.py) $(addprefix tests/processes/test_,command_line.py interrupted_request.py kernel.py)
ONLY ?=
# The oldest versions and Python 3.12 are tried together, since each run of the tests takes its minutes.
PYTHON_3_12 = $(shell for found in "$$(command -v python3.12)" "$${PYENV_ROOT:-$$HOME/.pyenv}"/versions/3.12.*/bin/python "$$($(PYTHON) -c 'import os, sys; print(os.path.dirname(sys.base_prefix))')"/3.12.*/bin/python; do test -x "$$found" && "$$found" -c 'import venv' 2>/dev/null && echo "$$found" && break; done)

.PHONY: help audit lab test test-thorough test-engines test-oldest test-pythons check format bench sample docs pictures screenshots lock clean

help: ## list what can be made
	$(SAY) "make TARGET, where TARGET is one of:"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' Makefile | expand -t 16

audit: $(VENV)/.audit ## audit your account, or the simulated one if no token is set
	$(SAY) "audit: reads every action of the account and writes a report under data/reports."
	@$(BIN)/doaudit audit $(if $(TOKEN_IS_SET),,--demo)

lab: $(VENV)/.lab ## open JupyterLab on the notebooks
	$(SAY) "lab: opens JupyterLab on notebooks/; Ctrl-C here ends it."
	@$(BIN)/doaudit lab notebooks $(if $(LAB_OPTIONS),-- $(LAB_OPTIONS))

test: $(VENV)/.dev ## run the tests, in a few minutes
	$(SAY) "test: runs the tests against the simulated account; no token, no internet."
	@$(BIN)/python -m pytest -q $(WORKERS) -m "$(QUICK)"

test-thorough: $(VENV)/.dev ## run what `make test` leaves out: browsers, builds, long tests, engines, other versions
	$(SAY) "test-thorough: runs long tests, then those on engines, the oldest versions and Python 3.13."
	@$(BIN)/python -m pytest -q $(WORKERS) -m "(thorough or browser) and not engines and not release"
	@$(MAKE) --no-print-directory test-engines SHORT=1
	@$(MAKE) --no-print-directory test-oldest ONLY="$(ON_PANDAS)"
	@$(MAKE) --no-print-directory test-pythons MINORS=3.13 ONLY="$(ON_PYTHON)"

test-release: $(VENV)/.dev ## run everything else, in hours: all examples, simulated years, every version as a whole
	$(SAY) "test-release: runs what test-thorough leaves out, and all tests on each engine and version."
	@DOAUDIT_EXAMPLES=all $(BIN)/python -m pytest -q $(WORKERS) -m "(release or thorough or browser or hypothesis) and not engines"
	@$(MAKE) --no-print-directory test-engines
	@$(MAKE) --no-print-directory test-oldest
	@$(MAKE) --no-print-directory test-pythons

test-engines: .venv-engines/.engines ## run the tables, the notebook and the guide on Spark, Dask, PyArrow and ibis
	$(SAY) "test-engines: makes every table on Spark, Dask, PyArrow and ibis; Spark needs Java."
	@.venv-engines/bin/python -m pytest -q tests/analysis/test_every_engine.py tests/history/test_parquet.py tests/test_beyond_one_machine.py tests/analysis/test_many_accounts.py::test_engines_that_are_installed_apart_make_the_same $(if $(SHORT),-m "engines and not release")

test-oldest: .venv-oldest/.dev ## run the tests on pandas 2.3 and ipykernel 6.31, with Python 3.12 if it is here
	$(SAY) "test-oldest: runs the tests on pandas 2.3 and ipykernel 6.31, with `.venv-oldest/bin/python --version`."
	@DOAUDIT_EXAMPLES=few .venv-oldest/bin/python -m pytest -q $(WORKERS) -m "$(QUICK)" $(ONLY)

test-pythons: ## run the tests on each other Python that is claimed and is here
	$(SAY) "test-pythons: runs the tests on Python $(MINORS)."
	@beside=$$($(PYTHON) -c 'import os, sys; print(os.path.dirname(sys.base_prefix))'); \
	for minor in $(MINORS); do \
	  python=; \
	  for found in "$$(command -v python$$minor)" "$${PYENV_ROOT:-$$HOME/.pyenv}"/versions/$$minor.*/bin/python "$$beside"/$$minor.*/bin/python; do \
	    test -x "$$found" && "$$found" -c 'import venv' 2>/dev/null && python="$$found"; \
	  done; \
	  if test -n "$$python"; then \
	    $(MAKE) --no-print-directory .venv-$$minor/.dev PYTHON="$$python" && \
	    DOAUDIT_EXAMPLES=few .venv-$$minor/bin/python -m pytest -q $(WORKERS) -m "$(QUICK)" $(ONLY) || exit 1; \
	  elif test -n "$$CI"; then echo "There is no Python $$minor here."; exit 1; \
	  else echo "Skipped: there is no Python $$minor here."; fi; \
	done

check: $(VENV)/.dev ## check style, types and imports
	$(SAY) "check: looks at style (ruff), types (mypy) and which module imports which (import-linter)."
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/mypy tests/typed_use.py
	@$(BIN)/lint-imports

format: $(VENV)/.dev ## put the code into its form
	$(SAY) "format: mends what ruff can mend."
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: $(VENV)/.dev ## measure speed and size against peers and bounds
	$(SAY) "bench: measures speed and size; takes some ten minutes, and leaves a file in benchmarks/results."
	@$(BIN)/python benchmarks/run.py

sample: $(VENV)/.dev ## write data/sample_actions.csv anew
	$(SAY) "sample: writes data/sample_actions.csv from the simulated account."
	@$(BIN)/python data/make_sample.py

docs: $(VENV)/.dev ## build the documentation, without the internet
	$(SAY) "docs: builds the documentation; takes about half a minute."
	@$(BIN)/python -m sphinx -q -W --keep-going -b html -d docs/_build/doctrees docs docs/_build/html
	$(SAY) "Open docs/_build/html/index.html in a browser."

pictures: $(VENV)/.dev ## draw the README's pictures anew
	$(SAY) "pictures: draws the README's pictures from the simulated account."
	@$(BIN)/python docs/make_pictures.py

screenshots: $(VENV)/.dev ## take pictures of the notebooks and panels in JupyterLab
	$(SAY) "screenshots: opens every notebook and panel in JupyterLab and keeps what is seen under screenshots/."
	@DOAUDIT_SCREENSHOTS=1 $(BIN)/python -m pytest -q -m browser tests/browser

lock: $(VENV)/.dev ## choose the newest versions of all dependencies again
	$(SAY) "lock: writes locks/*.txt anew; needs the internet and uv."
	@$(call install,$(VENV)) uv
	@$(BIN)/python locks/lock.py

clean: ## delete what was set up and cached; reports stay
	$(SAY) "clean: deletes the virtual environments and caches; reports stay."
	@rm -rf .venv .venv-* .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache docs/_build docs/generated

.venv-oldest/.python: PYTHON := $(or $(PYTHON_3_12),$(PYTHON))
$(VENV)/.python .venv-engines/.python .venv-oldest/.python .venv-3.12/.python .venv-3.13/.python:
	@test -n "$(PYTHON)" || { echo "There is no python3 here. Install Python 3.11 or newer from https://www.python.org/downloads, then run this again."; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is `"$(PYTHON)" -c 'import platform; print(platform.python_version())'`, and doaudit needs Python 3.11 or newer. Install one, then run: make $(MAKECMDGOALS) PYTHON=/path/to/it"; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) comes without venv. On Debian or Ubuntu run: sudo apt install python3-venv; then run this again."; exit 1; }
	@"$(PYTHON)" -m venv $(@D)
	@touch $@

$(VENV)/.audit $(VENV)/.lab $(VENV)/.dev .venv-engines/.engines .venv-oldest/.dev .venv-3.12/.dev .venv-3.13/.dev: pyproject.toml

$(VENV)/.audit: $(VENV)/.python locks/audit.txt
	$(SAY) "Setting up .venv for the audit, about half a minute ..."
	@$(call install,$(VENV)) --require-hashes -r locks/audit.txt
	@$(call install,$(VENV)) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.lab: $(VENV)/.audit locks/lab.txt
	$(SAY) "Adding JupyterLab to .venv, about a minute ..."
	@$(call install,$(VENV)) --require-hashes -r locks/lab.txt
	@touch $@

$(VENV)/.dev: $(VENV)/.audit locks/dev.txt
	$(SAY) "Adding the tools for tests to .venv, about a minute ..."
	@$(call install,$(VENV)) --require-hashes -r locks/dev.txt
	@touch $@ $(VENV)/.lab

.venv-engines/.engines: .venv-engines/.python locks/engines.txt
	$(SAY) "Setting up .venv-engines with Spark, Dask, PyArrow and ibis, about three minutes ..."
	@$(call install,.venv-engines) --require-hashes -r locks/engines.txt
	@$(call install,.venv-engines) --no-deps --no-build-isolation -e .
	@touch $@

.venv-oldest/.dev: .venv-oldest/.python locks/oldest.txt
	$(SAY) "Setting up .venv-oldest, about two minutes ..."
	@$(call install,.venv-oldest) --require-hashes -r locks/oldest.txt
	@$(call install,.venv-oldest) --no-deps --no-build-isolation -e .
	@touch $@

.venv-3.12/.dev .venv-3.13/.dev: .venv-%/.dev: .venv-%/.python locks/dev.txt
	$(SAY) "Setting up .venv-$*, about two minutes ..."
	@$(call install,.venv-$*) --require-hashes -r locks/dev.txt
	@$(call install,.venv-$*) --no-deps --no-build-isolation -e .
	@touch $@
