# `make quickstart`: the whole recipe in small, then folds that find label errors, from nothing.
# `make test`: the tests, from nothing.
# `make test-lowest`: the tests on Python 3.10 and the lowest versions of everything; downloads an older PyTorch, 5 GB.
# `make test-official`: the tests on the official packages; builds mmcv from source, which needs a C++ compiler and
# takes a quarter of an hour.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
EXTRAS := $(VENV)/.extras
OFFICIAL := .venv-official
LOWEST := .venv-lowest
LOWEST_PYTHON ?= python3.10
# Each test runs on one thread; a file's tests stay together, so that what they share is made once.
SIDE_BY_SIDE := --numprocesses 2 --dist loadfile --no-loadscope-reorder

.PHONY: quickstart test test-slow test-faults test-mutants test-official test-lowest lint

quickstart: $(READY)
	$(BIN)/python tools/make_streets.py
	$(BIN)/python tools/run_recipe.py configs/streets.py --jobs $(JOBS)
	$(BIN)/python tools/make_streets.py --out data/streets_errors --label-errors 0.1
	$(BIN)/mmseg-kfold run docs/getting_started/streets_errors.py --folds 3 --group-by city --jobs $(JOBS)
	$(BIN)/mmseg-kfold out-of-fold work_dirs/streets_errors_kfold
	$(BIN)/mmseg-kfold label-errors work_dirs/streets_errors_kfold

test: lint $(EXTRAS)
	$(BIN)/python -m pytest $(SIDE_BY_SIDE)

test-slow: $(EXTRAS)
	$(BIN)/python -m pytest -m slow

# Kills a recipe 200 times at random moments and counts what was lost.
test-faults: $(EXTRAS)
	$(BIN)/python -m tests.faults.campaign --faults 200

# Changes the code in many places, one at a time, and counts the changes that no test notices; docs/testing.md.
# `make test-mutants MUTANTS='mmseg_custom.io.*'` for a part of it; `.venv/bin/mutmut show NAME` for one of them.
MUTANTS ?=
SAMPLE ?= 30
test-mutants: $(EXTRAS)
	OMP_NUM_THREADS=1 $(BIN)/python tests/faults/mutants.py $(MUTANTS) --sample $(SAMPLE) --jobs $(JOBS)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

$(READY): setup.py requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --requirement requirements.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $(READY)

# What only export, demo, TensorBoard and their tests need.
$(EXTRAS): $(READY) requirements-extras.txt
	$(BIN)/python -m pip install --quiet --requirement requirements-extras.txt
	touch $(EXTRAS)

test-official: $(OFFICIAL)/.ready
	$(OFFICIAL)/bin/python -m pytest $(SIDE_BY_SIDE)

# mmcv 2.1.0 has no wheel and its build reads pkg_resources and torch from the environment it is installed into.
$(OFFICIAL)/.ready: requirements-official.txt requirements-extras.txt
	$(PYTHON) -m venv $(OFFICIAL)
	$(OFFICIAL)/bin/python -m pip install --quiet --requirement requirements-official.txt --requirement requirements-extras.txt 'setuptools<81' wheel
	MMCV_WITH_OPS=1 $(OFFICIAL)/bin/python -m pip install --quiet --no-build-isolation --no-deps mmcv==2.1.0
	$(OFFICIAL)/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $(OFFICIAL)/.ready

test-lowest: $(LOWEST)/.ready
	$(LOWEST)/bin/python -m pytest $(SIDE_BY_SIDE)

$(LOWEST)/.ready: requirements-lowest.txt
	$(LOWEST_PYTHON) -m venv $(LOWEST)
	$(LOWEST)/bin/python -m pip install --quiet --requirement requirements-lowest.txt
	$(LOWEST)/bin/python -m pip install --quiet --no-deps --editable .
	touch $(LOWEST)/.ready
