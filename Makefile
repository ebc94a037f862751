# azure-backup-retry: `make help` lists what there is. Everything made goes under .venv/ and build/.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed
STEPS ?= 200000

# Bytecode is kept whatever the environment says: the suite starts some two hundred processes, and each would compile it all.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo run test bench check parity package constraints audit soak format clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 18

setup: $(INSTALLED) ## install everything into .venv (the other targets do it by themselves)

demo: $(INSTALLED) ## play one bad night on a simulated Azure, and check every outcome
	@exec $(BIN)/python -m demo $(if $(filter-out 0,$(KEEP)),--keep)

run: $(INSTALLED) ## keep Azurite, the simulated Azure and the Functions host up until Ctrl-C
	@exec $(BIN)/python -m simulator.stack

# One process more than cores: the scenarios wait for much of their time. The order of the files is that of tests/conftest.py.
test: $(INSTALLED) ## run the tests
	@$(BIN)/python -m pytest --numprocesses $$(( $$(nproc 2>/dev/null || echo 2) + 1 )) --dist loadfile --no-loadscope-reorder

bench: $(INSTALLED) ## measure speed, calls, memory and cost against their budgets (a quarter of an hour; docs/performance.md)
	@$(BIN)/python -m bench

parity: $(INSTALLED) ## compare the simulator's answers with recorded ones, where these are at hand
	@$(BIN)/python -m tools.parity

package: $(INSTALLED) ## build the zip that is deployed, build/app.zip, and its SBOM, build/app.cdx.json
	@$(BIN)/python -m infra.package
	@$(BIN)/python -m infra.sbom

constraints: $(INSTALLED) ## update the pinned versions in constraints.txt and requirements-hashes.txt
	@$(BIN)/python -m tools.constraints

audit: $(INSTALLED) ## see whether what is pinned is what is needed, and has the pinned hashes
	@$(BIN)/python -m tools.constraints --check

soak: $(INSTALLED) ## look for broken promises in simulated worlds, for STEPS steps, from SEED (else: today's)
	@$(BIN)/python -m tests.model.soak --steps $(STEPS) $(if $(SEED),--seed $(SEED)) --workers 2

check: $(INSTALLED) ## ruff and strict mypy
	@$(BIN)/ruff format --check --quiet . || { echo "run: make format"; exit 1; }
	@$(BIN)/ruff check .
	@$(BIN)/mypy

format: $(INSTALLED) ## let ruff format the code
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

clean: ## remove everything that was made
	rm -rf $(VENV) build .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(INSTALLED): requirements.txt constraints.txt requirements-cli.txt requirements-simulator.txt requirements-dev.txt requirements-host.txt \
  $(wildcard simulator/azurite/npm/package*.json tests/kusto/package*.json)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Python 3.11 or newer is needed, and $(PYTHON) is $$($(PYTHON) --version 2>&1 || echo missing)."; \
	  echo "Name another one: make PYTHON=/path/to/python3.13"; exit 2; }
	@echo "Setting up $(VENV) (once) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@# Of 3,600 modules a few hundred are ever imported, and compiled then.
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -r requirements-dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --no-deps --ignore-requires-python -r requirements-host.txt
	@$(BIN)/python -m simulator.azurite install $(VENV)/azurite & azurite=$$!; \
	  $(BIN)/python -m tests.kusto.install $(VENV)/kusto && wait $$azurite
	@touch $@
