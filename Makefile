# make run: the monitor on the simulated network.  make test: everything CI checks.  make bench: the figures of docs/performance.md.
PYTHON ?= python3
VENV := .venv
PIP := $(VENV)/bin/pip --disable-pip-version-check

.PHONY: run test bench clean

run: $(VENV)/.installed-demo
	@$(VENV)/bin/monitor demo

test: $(VENV)/.installed-test
	@scripts/test

bench: $(VENV)/.installed-test
	@scripts/bench

$(VENV)/.installed-%: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; say make PYTHON=python3.11" >&2; exit 1; }
	test -x $(VENV)/bin/pip || $(PYTHON) -m venv $(VENV)
	$(PIP) install --editable ".[$*]"
	@touch $@

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
