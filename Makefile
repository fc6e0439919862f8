# Colonnade: two commands do all their set-up. `make demo` runs the main job, `make test` the tests.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# The lock is whole, so nothing is resolved: older pips look for newer versions of what another package wants with an extra.
LOCKED := --no-deps --require-hashes --only-binary :all:
DEMO_OPTIONS ?=
TEST_OPTIONS ?=
CHAOS_OPTIONS ?=
# Two more than two processors: tests wait for processes of their own half of the time.
WORKERS ?= 4

.PHONY: help demo serve test coverage test-whole test-crash test-native test-live chaos chaos-seeds budgets audit bench-ready check lint types layers lock clean
help:  ## list the commands
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: $(VENV)/ready  ## run the whole loop on both sandboxes and print what happened
	@$(BIN)/colonnade demo $(DEMO_OPTIONS)

serve: $(VENV)/ready  ## the demo, left running with its console
	@$(BIN)/colonnade serve --demo $(DEMO_OPTIONS)

test: $(VENV)/ready-dev  ## run the tests
	$(BIN)/python -m pytest -n $(WORKERS) $(TEST_OPTIONS)

coverage: $(VENV)/ready-dev  ## run the tests and say how much of the product they ran, which takes a quarter longer
	$(BIN)/python -m pytest -n $(WORKERS) --cov --cov-report= $(TEST_OPTIONS)
	@$(BIN)/python -m coverage report --format=total | sed 's/^/branch coverage, percent: /'

test-whole: $(VENV)/ready-dev  ## run the tests that have the whole product at work for long: a month by the hour, faults, kills, benches
	$(BIN)/python -m pytest -m whole -n $(WORKERS) $(TEST_OPTIONS)

test-crash: $(VENV)/ready-dev  ## run the tests that kill processes, flush Redis, restart PostgreSQL, fill the disk and set the clock back
	$(BIN)/python -m pytest -m crash -n 2 tests/crash $(TEST_OPTIONS)

test-native: $(VENV)/ready-dev  ## run the tests that need Node, which is brought along where it is missing
	@sh .ci/native

test-live: $(VENV)/ready-dev  ## run the connectors' tests against the portal of HUBSPOT_TOKEN and the org of SF_INSTANCE_URL, where set
	@sh .ci/live

audit: $(VENV)/ready-audit  ## look every locked package up among known vulnerabilities
	@$(BIN)/python .ci/audit.py requirements.lock requirements-dev.lock requirements-bench.lock

chaos: $(VENV)/ready-dev  ## run the product under disturbances by a seed drawn now, and compare both CRMs with a clean replay
	@$(BIN)/colonnade chaos $(CHAOS_OPTIONS)

chaos-seeds: $(VENV)/ready-dev  ## the same by every seed that ever found something, one after the other
	@sh .ci/chaos-seeds $(CHAOS_OPTIONS)

budgets: $(VENV)/ready-dev  ## count the calls of every scenario on both sandboxes and write the table into the README
	@$(BIN)/python -m tests.promises.budget_table

bench-ready: $(VENV)/ready-bench  ## install what the benchmarks are measured beside

check: lint types layers  ## lint, types and import rules

lint: $(VENV)/ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/ready-dev
	$(BIN)/mypy

layers: $(VENV)/ready-dev
	$(BIN)/lint-imports

lock:  ## resolve the lock files anew (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --only-binary :all: \
	  --extra build --extra parity --extra postgres pyproject.toml -o requirements.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --only-binary :all: \
	  --extra dev pyproject.toml -o requirements-dev.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --only-binary :all: \
	  --constraint requirements-dev.lock --extra dev --extra bench pyproject.toml -o requirements-bench.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --only-binary :all: \
	  --constraint requirements-dev.lock --extra dev --extra audit pyproject.toml -o requirements-audit.lock

clean:  ## remove the virtual environment and all local state
	rm -rf $(VENV) .colonnade

$(BIN)/python:
	@PYTHON="$(PYTHON)" sh .ci/make-venv $(VENV)

$(VENV)/ready: $(BIN)/python requirements.lock pyproject.toml
	@$(PIP) $(LOCKED) -r requirements.lock
	@$(PIP) --no-deps --no-build-isolation --no-index -e .
	@touch $@

$(VENV)/ready-dev: $(BIN)/python requirements-dev.lock pyproject.toml
	@$(PIP) $(LOCKED) -r requirements-dev.lock
	@$(PIP) --no-deps --no-build-isolation --no-index -e .
	@touch $@ $(VENV)/ready

$(VENV)/ready-audit: $(VENV)/ready-dev requirements-audit.lock
	@$(PIP) $(LOCKED) -r requirements-audit.lock
	@touch $@

$(VENV)/ready-bench: $(VENV)/ready-dev requirements-bench.lock
	@$(PIP) $(LOCKED) -r requirements-bench.lock
	@touch $@
