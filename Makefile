# Every target does its own set-up: Python 3.11+ and make are all a fresh machine needs.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes
export PIP_NO_INPUT = 1

.DEFAULT_GOAL := help
.PHONY: help wheel installed quickstart test lint types tests bench lock clean setup setup-dev

help: ## what there is to do
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "face-audit needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version). Try: make PYTHON=python3.12 ..." >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)

# The project itself is a .pth entry, so nothing is built and the network is asked only for what the lock pins.
$(VENV)/.run: requirements/run.lock | $(VENV)/bin/python
	$(PIP) -r requirements/build.lock
	$(PIP) -r requirements/run.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

# The build tools go first: face_recognition_models is a source package and is built with the pinned setuptools, not with a fetched one.
$(VENV)/.dev: requirements/dev.lock $(VENV)/.run
	$(PIP) -r requirements/build.lock
	$(PIP) --no-build-isolation -r requirements/dev.lock
	@touch $@

setup: $(VENV)/.run ## the environment that runs audits, from the lock
setup-dev: $(VENV)/.dev ## the environment that tests, benchmarks and reads photographs

quickstart: $(VENV)/.run ## a real audit on the embedded benchmark; ends with the path of the report
	$(BIN)/face-audit run configs/quickstart.toml --replace

test: lint types tests ## lint, types, tests, import test, a quickstart whose report is checked
lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
types: $(VENV)/.dev
	$(BIN)/mypy
tests: $(VENV)/.dev
	$(BIN)/pytest -q -m "not shared" -n 2 --dist loadfile --durations=10
bench: $(VENV)/.dev ## comparison speed against peers, saved and tabulated
	$(BIN)/pytest -q benches --benchmark-enable --benchmark-json=benches/latest.json
wheel: $(VENV)/.dev ## dist/*.whl: the package with cards, example configurations and the embedded benchmark
	$(BIN)/hatchling build -t wheel
installed: wheel ## install the wheel outside the clone, on every Python from 3.11 to 3.13 that is here, and run the quickstart there
	tests/installed.sh
clean: ## remove the environment and caches
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis build *.egg-info
lock: ## make the lock files again from pyproject.toml (needs uv)
	requirements/lock.sh
