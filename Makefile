# Two commands matter: `make demo` shows the gate at work, `make test` proves it. Both install what they need.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
TOOLS := .tools
# How many test processes; the suite runs real programs, so more than the cores helps little.
JOBS ?= 2

.PHONY: demo test check bench lock clean tools

demo: $(VENV)/runtime.done
	$(BIN)/openclaw-vt demo

test: check tools
	OCVT_TEST_TOOLS=$(CURDIR)/$(TOOLS)/node_modules/.bin $(BIN)/python -m pytest -n $(JOBS) --dist loadgroup

check: $(VENV)/dev.done
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Node comes from the tools of the suite; race.py is given seconds instead of its minute; detection.py needs skills to judge.
bench: $(VENV)/dev.done $(TOOLS)/npm.done
	export PATH="$(CURDIR)/$(TOOLS)/node_modules/.bin:$$PATH"; \
	for script in $(filter-out benchmarks/race.py benchmarks/detection.py,$(wildcard benchmarks/*.py)); do \
	  echo "== $$script"; $(BIN)/python $$script || exit 1; done; \
	echo "== benchmarks/attribution.mjs"; node benchmarks/attribution.mjs && \
	echo "== benchmarks/race.py"; $(BIN)/python benchmarks/race.py 5

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "openclaw-vt needs Python 3.11 or newer; set PYTHON=...")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/runtime.done: $(BIN)/python requirements/runtime.txt pyproject.toml
	$(PIP) install --require-hashes -r requirements/runtime.txt
	$(PIP) install --no-deps --no-build-isolation -e .
	touch $@

$(VENV)/dev.done: $(VENV)/runtime.done requirements/dev.txt
	$(PIP) install --require-hashes -r requirements/dev.txt
	touch $@

# OpenClaw and the Node it needs come from npm, the keyring and strace from the distribution where that is possible.
tools: $(TOOLS)/npm.done
	tests/e2e/system-packages

$(TOOLS)/npm.done: tests/e2e/npm/package.json tests/e2e/npm/package-lock.json
	tests/e2e/npm-tools $(TOOLS)
	touch $@

# The locks are made from pyproject.toml; run this after changing a dependency.
lock: $(VENV)/dev.done
	$(BIN)/pip-compile --quiet --strip-extras --generate-hashes --allow-unsafe --no-emit-options --no-header --upgrade \
	  --output-file requirements/runtime.txt pyproject.toml requirements/build.in
	$(BIN)/pip-compile --quiet --strip-extras --generate-hashes --allow-unsafe --no-emit-options --no-header --upgrade \
	  --constraint requirements/runtime.txt --output-file requirements/dev.txt requirements/dev.in

clean:
	rm -rf $(VENV) $(TOOLS) .mypy_cache .ruff_cache .pytest_cache .hypothesis dist
