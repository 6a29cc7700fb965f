# make train | test | check | bench | gpu; ARGS passes settings on: make train ARGS="model=wgan dataset=ring"
PYTHON ?= python3
VENV ?= .venv
CONSTRAINTS ?= constraints.txt
ARGS ?=

BIN := $(VENV)/bin
INSTALL = $(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --constraint $(CONSTRAINTS)

.PHONY: train test lint check bench gpu clean

train: $(VENV)/.library
	$(BIN)/python -m ganzoo.train $(or $(ARGS),experiment=digits)

test: $(VENV)/.development
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 $(ARGS)

lint: $(VENV)/.development
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

check: lint test

bench: $(VENV)/.development
	$(BIN)/python -m benchmarks.speed $(ARGS)
	$(BIN)/python -m benchmarks.updates $(ARGS)
	$(BIN)/python -m benchmarks.metrics
	$(BIN)/python -m benchmarks.frechet

# On a machine without a package index: make gpu CARRIED=FOLDER, with the folder of --collect.
gpu: $(if $(CARRIED),,$(VENV)/.development)
	$(if $(CARRIED),$(PYTHON),$(BIN)/python) -m benchmarks.gpu --minutes 9 --out $(or $(OUT),runs/gpu) \
	  $(if $(CARRIED),--carried $(CARRIED)) $(ARGS)

$(VENV)/.uv:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	touch $@

$(VENV)/.library: $(VENV)/.uv pyproject.toml $(CONSTRAINTS)
	$(INSTALL) --editable .
	touch $@

$(VENV)/.development: $(VENV)/.library
	$(INSTALL) --editable ".[tensorboard,optuna,slurm,lsun,inception,efficientnet,timm]" --group test --group lint
	touch $@

clean:
	rm -rf $(VENV) build dist
