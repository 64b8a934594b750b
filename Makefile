# tg263-scp: every target makes the virtual environment it needs. `make help` lists the targets.

PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3.14 python3; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$p" && break; done)
VENV ?= .venv
WORKERS ?= 2
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: help demo test lint wheel docs clean
.DEFAULT_GOAL := help

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 16

demo: $(STAMP) ## send structure sets through a node and show what became of them [RTSTRUCT=file or folder; DESK=1 leaves node and desk running]
	@$(BIN)/python -m tg263_scp demo $(if $(RTSTRUCT),"$(RTSTRUCT)") $(if $(DESK),--desk)

test: $(STAMP) ## run the tests [SLOW=yes also those that take minutes; WORKERS=2; ARGS="options for pytest"]
	@$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile $(if $(SLOW),,-m "not slow") $(ARGS)

lint: $(STAMP) ## ruff (style and format) and mypy (types)
	@$(BIN)/python -m ruff check
	@$(BIN)/python -m ruff format --check
	@$(BIN)/python -m mypy

wheel: $(STAMP) ## build the wheel into dist/
	@$(BIN)/python -m build --wheel --no-isolation

docs: $(STAMP) ## build the documents as a site into dist/docs
	@$(BIN)/python docs/configuration.py
	@$(BIN)/python -m sphinx -q -W -b html docs dist/docs
	@echo "dist/docs/index.html"

clean: ## remove the virtual environment, caches and built files
	rm -rf $(VENV) dist build .pytest_cache .mypy_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Installs again whenever pyproject.toml changes. Without network an environment that already holds everything is enough.
$(STAMP): pyproject.toml
	@test -n "$(PYTHON)" || { echo "tg263-scp needs Python 3.11 or newer: install it, or say make PYTHON=/path/to/python"; exit 1; }
	@test -x $(BIN)/python || { echo "making $(VENV) with $(PYTHON)" && $(PYTHON) -m venv $(VENV); } || \
		{ rm -rf $(VENV); echo "no virtual environment could be made (on Debian and Ubuntu: apt install python3-venv)"; exit 1; }
	@echo "installing tg263-scp and its tools into $(VENV)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]' || \
		{ echo "not installed; looking whether $(VENV) holds all that is needed" && $(BIN)/python tests/environment.py; }
	@touch $@
