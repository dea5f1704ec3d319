# make run: the monitor on the simulated network.  make test: everything CI checks.  make bench: the figures of docs/performance.md.
# Of the stack: make secrets (needed once), make bundle (for a network without registries), make lock (pin the image's packages).
PYTHON ?= python3
VENV := .venv
PIP := $(VENV)/bin/pip --disable-pip-version-check

.PHONY: run test bench secrets bundle lock clean

run: $(VENV)/.installed-demo
	@$(VENV)/bin/monitor demo

test: $(VENV)/.installed-test
	@scripts/test

bench: $(VENV)/.installed-test
	@scripts/bench

secrets:
	@scripts/secrets

bundle:
	@PYTHON=$(PYTHON) scripts/bundle

lock: $(VENV)/.installed-demo
	$(PIP) install --quiet uv
	PATH="$(CURDIR)/$(VENV)/bin:$$PATH" scripts/lock $(if $(UPGRADE),--upgrade)

$(VENV)/.installed-%: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; say make PYTHON=python3.11" >&2; exit 1; }
	test -x $(VENV)/bin/pip || $(PYTHON) -m venv $(VENV)
	$(PIP) install --editable ".[$*]"
	@touch $@

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
