# The commands of a developer. `make setup` once, `make check` before a change is handed on.
PYTHON ?= python
LOCK = uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
    --custom-compile-command "make lock"
GENERATE = $(PYTHON) tests/docs/generate.py

.DEFAULT_GOAL := help
.PHONY: help setup check fix generated schema docs real local-model bench lock lower-bounds

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup:  ## install the locked development environment and this checkout into the active environment
	$(PYTHON) -m pip install --require-hashes --requirement .ci/constraints.txt
	$(PYTHON) -m pip install --no-deps --no-build-isolation --editable .

check:  ## format, lint, types, import contracts, generated files, tests
	.ci/check

fix:  ## format, and mend what the linter can mend
	ruff check --fix .
	ruff format .

generated:  ## write the schema and the generated documentation again
	$(GENERATE) --write

schema docs: generated

real:  ## the tests against a real model (fetches 130 MB once) and the package index
	$(PYTHON) -m pytest --real -m real

local-model:  ## serve a real model on http://127.0.0.1:8080 until Ctrl-C (fetches 130 MB once)
	$(PYTHON) tests/real/serve_local_model.py --port 8080

bench:  ## print the benchmarks, as ratios, and a comparison with others (installs them once, under .cache)
	$(PYTHON) -m tests.benchmarks
	$(PYTHON) -m tests.benchmarks.compare

lock:  ## resolve the locked versions anew (needs uv)
	$(LOCK) pyproject.toml --all-extras --group dev --upgrade --output-file .ci/constraints.txt
	$(LOCK) --no-deps tests/real/requirements.in --output-file tests/real/requirements.txt

lower-bounds:  ## the tests with the oldest dependencies that pyproject.toml allows (needs uv)
	uv venv --quiet --clear --python $(PYTHON) .cache/lower-bounds
	uv pip install --quiet --python .cache/lower-bounds --resolution lowest-direct --editable '.[keyring,limits,otel]'
	uv pip install --quiet --python .cache/lower-bounds --group test
	.cache/lower-bounds/bin/python -m pytest -q
