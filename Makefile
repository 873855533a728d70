# `make quickstart`: the whole recipe in small, from nothing.  `make test`: the tests, from nothing.
# `make test-official`: the tests on the official packages; builds mmcv from source, which needs a C++ compiler and
# takes a quarter of an hour.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
OFFICIAL := .venv-official

.PHONY: quickstart test test-slow test-official lint

quickstart: $(READY)
	$(BIN)/python tools/make_streets.py
	$(BIN)/python tools/run_recipe.py configs/streets --jobs $(JOBS)

test: lint
	$(BIN)/python -m pytest

test-slow: $(READY)
	$(BIN)/python -m pytest -m slow

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

$(READY): setup.py requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --requirement requirements.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $(READY)

test-official: $(OFFICIAL)/.ready
	$(OFFICIAL)/bin/python -m pytest

# mmcv 2.1.0 has no wheel and its build reads pkg_resources and torch from the environment it is installed into.
$(OFFICIAL)/.ready: requirements-official.txt
	$(PYTHON) -m venv $(OFFICIAL)
	$(OFFICIAL)/bin/python -m pip install --quiet --requirement requirements-official.txt 'setuptools<81' wheel
	MMCV_WITH_OPS=1 $(OFFICIAL)/bin/python -m pip install --quiet --no-build-isolation --no-deps mmcv==2.1.0
	$(OFFICIAL)/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $(OFFICIAL)/.ready
