# Two commands are all a newcomer needs: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test lint docs units slow clean

demo: $(VENV)/.installed
	$(BIN)/numerate fit kepler

test: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -m "not slow" -n auto --dist worksteal

slow: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -m slow -n auto --dist worksteal

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(BIN)/python -m tests.docstrings

docs: $(VENV)/.installed-dev
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

# What is made from the list of units and their pages: stubs for editors, tables of the documentation.
units: $(VENV)/.installed-dev
	KERAS_BACKEND=jax $(BIN)/python -m tests.adapters.stubs
	$(BIN)/python docs/unit_tables.py

# The stamps are written last, so an interrupted install is simply done again. Bytecode is compiled
# by all cores, and for this package as well, which pip leaves out; the tests of libraries are never
# imported, and a file that cannot be compiled is no fault.
define install
	@echo "Installing into $(VENV), once; this takes a minute or two."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -e "$(1)"
	@$(BIN)/python -m compileall -qq -j 0 -x '/tests?/' $(VENV)/lib numerate || true
endef

$(VENV)/.installed: pyproject.toml
	$(call install,.)
	touch $@

$(VENV)/.installed-dev: pyproject.toml
	$(call install,.[dev])
	touch $(VENV)/.installed $@

clean:
	rm -rf $(VENV) site
