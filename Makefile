# make install, demo, test, lint: each does its own set-up, in .venv; what is installed is in the .lock files.

# The first Python that is new enough; PYTHON=... names another.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$python" && break; done)
# Tests run in this many processes; `make test PYTEST_ARGS="-k shards -x"` runs some of them.
WORKERS ?= auto
PYTEST_ARGS ?=
DEMO_ARGS ?=

HOSTILE := $(wildcard tests/e2e/test_hostile*.py) $(addprefix tests/e2e/test_,worlds.py deviations.py idrange.py crawl_search.py)

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input install --quiet

.PHONY: help install dev bench docs commands demo test test-quick test-hostile test-nightly reliability lint format lock clean
.DELETE_ON_ERROR:

help:
	@echo "make install      .venv with the project in it"
	@echo "make demo         a harvest, killed, resumed and audited, on this machine, in a minute"
	@echo "make test         all tests; test-quick: without the slow ones"
	@echo "make test-hostile every world of misbehaving providers, 300 of them drawn at random"
	@echo "make test-nightly all tests, and what is drawn at random in full; takes hours"
	@echo "make reliability  docs/reliability.md again from tests/reliability/*.toml"
	@echo "make docs         the documentation as a site, in build/docs; broken links fail"
	@echo "make commands     docs/commands.md again from --help"
	@echo "make lint         ruff and mypy; format: let ruff put it right"
	@echo "make bench        .venv with the other harvesters that benchmarks/ measures against"
	@echo "make lock         make the .lock files again from pyproject.toml (UPGRADE=--upgrade for newer versions)"
	@echo "make clean        remove .venv, caches and demo/"

install: $(VENV)/.installed

dev: $(VENV)/.dev $(VENV)/.checkers

bench: $(VENV)/.bench

demo: $(VENV)/.installed
	$(BIN)/harvester demo --folder demo $(DEMO_ARGS)

test: $(VENV)/.dev $(VENV)/.checkers
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(PYTEST_ARGS)

test-quick: $(VENV)/.dev
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m "not slow" tests/unit tests/protocol tests/property tests/repository $(PYTEST_ARGS)

test-hostile: $(VENV)/.dev
	HARVESTER_TESTS=nightly $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(HOSTILE) $(PYTEST_ARGS)

# What was tried is counted into a file, by every process that runs tests; it is taken over when nothing failed.
test-nightly: $(VENV)/.dev $(VENV)/.checkers $(VENV)/.fuzz
	counts=$$(mktemp) && trap 'rm -f "$$counts"' EXIT && \
	HARVESTER_TESTS=nightly HARVESTER_COUNTS="$$counts" $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(PYTEST_ARGS) && \
	$(BIN)/python tests/reliability.py --counts "$$counts"

reliability: $(VENV)/.dev
	$(BIN)/python tests/reliability.py

# Every warning is an error, so that a link to a page or heading that is gone fails.
docs: $(VENV)/.docs
	$(BIN)/python docs/generate_commands.py --check
	$(VENV)/docs/bin/sphinx-build --builder html --fail-on-warning --keep-going --quiet docs build/docs
	@echo "build/docs/index.html"

commands: $(VENV)/.installed
	$(BIN)/python docs/generate_commands.py

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The stamps are younger than what they were made from, so a second `make test` installs nothing.

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Harvester needs Python 3.11 or newer, and found none; name one: make PYTHON=/path/to/python3" >&2; exit 2; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Harvester needs Python 3.11 or newer; $(PYTHON) is $$("$(PYTHON)" -V 2>&1 || true); name another: make PYTHON=..." >&2; exit 2; }
	"$(PYTHON)" -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python requirements.lock pyproject.toml
	@echo "Installing what Harvester needs into $(VENV), by name, version and hash"
	@$(PIP) --require-hashes -r requirements.lock
	@$(PIP) --no-deps --no-build-isolation --config-settings editable_mode=compat --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.installed requirements-dev.lock
	@echo "Installing what its tests need"
	@$(PIP) --require-hashes -r requirements-dev.lock
	@touch $@

# Programs of others that check what is written here. They have a folder of their own: rich is another one there.
$(VENV)/.checkers: $(VENV)/bin/python requirements-checkers.lock
	@echo "Installing the checkers of RO-Crates and BagIt profiles"
	@$(BIN)/python -m venv $(VENV)/checkers
	@$(VENV)/checkers/bin/python -m pip --disable-pip-version-check --no-input install --quiet --require-hashes -r requirements-checkers.lock
	@touch $@

$(VENV)/.bench: $(VENV)/.installed requirements-bench.lock
	@echo "Installing what its benchmarks compare it with"
	@$(PIP) --require-hashes -r requirements-bench.lock
	@touch $@

# In an environment of its own: what the generator needs is no dependency of Harvester.
$(VENV)/.docs: $(VENV)/.installed requirements-docs.lock
	@echo "Installing the documentation generator"
	$(BIN)/python -m venv $(VENV)/docs
	@$(VENV)/docs/bin/python -m pip --disable-pip-version-check --no-input install --quiet --require-hashes -r requirements-docs.lock
	@touch $@

$(VENV)/.fuzz: $(VENV)/.installed requirements-fuzz.lock
	@echo "Installing what fuzzes its readers"
	@$(PIP) --require-hashes -r requirements-fuzz.lock
	@touch $@

# Names, versions and hashes only: no address of a registry, and nothing from folders that only this machine has.
# backports-zstd is part of Python from 3.14 on and refuses to install there.
COMPILE = env -u PIP_FIND_LINKS -u PIP_EXTRA_INDEX_URL PIP_CONFIG_FILE=/dev/null CUSTOM_COMPILE_COMMAND="make lock" \
	$(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-emit-options \
	$(UPGRADE)
PROJECT = --build-deps-for=editable pyproject.toml

lock: $(VENV)/.dev
	$(COMPILE) --output-file requirements.lock $(PROJECT)
	$(COMPILE) --extra dev --constraint requirements.lock --output-file requirements-dev.lock $(PROJECT)
	$(COMPILE) --extra bench --constraint requirements.lock --output-file requirements-bench.lock $(PROJECT)
	$(COMPILE) --extra fuzz --constraint requirements.lock --output-file requirements-fuzz.lock $(PROJECT)
	$(COMPILE) --output-file requirements-checkers.lock tests/checkers.in
	$(COMPILE) --output-file requirements-docs.lock docs/requirements.in
	sed -i.old -E 's/^(backports-zstd==[^ ;]+)( ;[^\\]*)? /\1 ; python_version < "3.14" /' requirements*.lock && rm -f requirements*.lock.old

clean:
	rm -rf $(VENV) demo build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
