# `make demo` shows Capstan; `make test` proves it. Both set up what they need in .venv first.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint requirements.lock

.PHONY: demo test test-full check format docs bench clean

demo: $(VENV)/.demo
	$(BIN)/capstan demo

test: $(VENV)/.test
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not full"

test-full: $(VENV)/.test
	$(BIN)/python -m pytest -n 2 --dist loadfile

check: $(VENV)/.check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: $(VENV)/.check
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.test
	$(BIN)/python -m docs.build
	$(BIN)/python tests/architecture/acted_fields.py

bench: $(VENV)/.test
	$(BIN)/python bench/lab.py
	$(BIN)/python bench/apiserver.py

clean:
	rm -rf $(VENV)

$(VENV)/.made:
	$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 11) <= v <= (3, 13) else "Capstan needs Python 3.11 to 3.13; this is %d.%d. Name another with: make PYTHON=python3.12 ..." % v)'
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/.demo: $(VENV)/.made pyproject.toml requirements.lock
	$(PIP) --editable '.[demo]'
	touch $@

$(VENV)/.test: $(VENV)/.made pyproject.toml requirements.lock
	$(PIP) --editable '.[test,demo]'
	touch $@

$(VENV)/.check: $(VENV)/.made pyproject.toml requirements.lock
	$(PIP) --editable '.[test,demo,check]'
	touch $@
