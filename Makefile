# Two commands matter: `make demo` and `make test`. Both set up what they need.
PYTHON ?= python3
PIP_FLAGS ?=
PYTEST_FLAGS ?=
EVIDENCE_FLAGS ?=

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-faults check format docs bench evidence clean

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP)  ## Make .venv with every extra at pinned versions (PIP_FLAGS= are passed to pip)

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(PIP_FLAGS) -c constraints.txt -e '.[dev]'
	@touch $@

demo: setup  ## Draw people, train, judge, report, identify: the whole story in minutes
	$(BIN)/sphereface demo --out runs/demo

test: setup  ## Run every test but the long fault runs
	$(BIN)/python -m pytest -n 2 -m "not faults" $(PYTEST_FLAGS)

test-faults: setup  ## Run the long fault-injection, fuzz and coverage runs
	$(BIN)/python -m pytest -n 2 -m faults $(PYTEST_FLAGS)
	SPHEREFACE_LAW_EXAMPLES=1000 SPHEREFACE_GRADCHECKS=50 $(BIN)/python -m pytest -n 2 $(PYTEST_FLAGS) \
		tests/laws/test_margin_laws.py tests/laws/test_head_laws.py

check: setup  ## Format, lint, types, import contract, generated docs up to date
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/cog --check docs/cli.md docs/architecture.md docs/losses.md docs/recipes.md
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet --site-dir .venv/site

format: setup  ## Format the code and refresh generated docs
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/cog -r docs/cli.md docs/architecture.md docs/losses.md docs/recipes.md

docs: setup  ## Serve the documentation on the loopback
	$(BIN)/mkdocs serve

bench: setup  ## Run the benchmarks; results belong to docs/results
	$(BIN)/python benchmarks/bench_training.py

evidence: setup  ## Make the runs of docs/results/evidence.md that are not done yet (hours), then the page
	$(BIN)/python -m evidence run $(EVIDENCE_FLAGS)
	$(BIN)/python -m evidence page
	$(BIN)/sphereface train recipes/real-faces-best.toml --out runs/real-faces-best

clean:  ## Remove the virtual environment and caches, never runs/
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
