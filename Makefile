# `make help` lists the targets. Each target does the set-up that it needs: a virtual environment in .venv, plain pip.

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed
# The first of these that is there; choose another with make PYTHON=/path/to/python3.12
PYTHON ?= $(firstword $(foreach name,python3.12 python3.11 python3 python,$(shell $(name) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null && echo $(name))))
DEMO := experiment=demo

.DEFAULT_GOAL := help
.PHONY: help install demo test lint types pytest benchmarks clean

help: ## list the targets
	@awk -F':.*## ' '/^[a-z]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(INSTALLED) ## make .venv with the tested versions

$(INSTALLED): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or 3.12 was found. Install one, or name it: make PYTHON=/path/to/python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check --progress-bar off --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: $(INSTALLED) ## train, calibrate, predict and evaluate the ensemble on synthetic patients (about 20 minutes)
	$(BIN)/python -m kium_lightning.train -m $(DEMO) model=mednet_anterior,mednet_posterior,swin_anterior,resnet18_posterior
	$(BIN)/python -m kium_lightning.calibrate
	$(BIN)/python -m kium_lightning.predict
	$(BIN)/python -m kium_lightning.evaluate
	@echo "The demo is made easy: its aneurysms are larger than life (7 to 20 mm), its films small, and its nets see 160 px and"
	@echo "train for 4 epochs. These numbers say that the pipeline works, and nothing about real angiograms."

test: lint types pytest ## ruff, mypy and pytest

lint: $(INSTALLED) ## ruff
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(INSTALLED) ## mypy, strict
	$(BIN)/mypy

pytest: $(INSTALLED) ## the tests
	$(BIN)/pytest

benchmarks: $(INSTALLED) ## what is measured and against what
	@for file in $(filter-out $(addprefix benchmarks/,timing.py published.py epochs.py processes.py scene.py),$(wildcard benchmarks/*.py)); do echo "== $$file"; $(BIN)/python $$file || exit 1; done

clean: ## remove what tools left behind; outputs/ stays
	rm -rf .mypy_cache .pytest_cache .ruff_cache dist build *.egg-info
	find kium_lightning tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
