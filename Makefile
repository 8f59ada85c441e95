# Every command of the project. `make setup` alone needs Python 3.11 or newer; all else follows from it.
SHELL := /bin/bash
.DEFAULT_GOAL := help

PY := .venv/bin/python
TOOLS := .venv-tools
UV := $(TOOLS)/bin/uv
TRAINING := .venv-training/bin/python
# Two processes of tests side by side, each with one thread: two cores are all that is asked for.
PYTEST := OMP_NUM_THREADS=1 $(PY) -m pytest -q
# mkdocs-material's advice about another program's next version is none of ours: docs/adr/0160.
MKDOCS := NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs
ON_TWO_CORES := -n 2
TYPED := functions layers infra client training_job bench docs tests
STAGE ?= dev
WITH_TRAINING ?=
PROFILE ?= plain
IMAGE ?=
SPECIALTY ?=
export OMP_NUM_THREADS ?= 2
export PYTHONUNBUFFERED := 1

.PHONY: help setup check format test test-unit test-integration test-infra test-training test-e2e \
	test-e2e-plain test-e2e-strict \
	coverage demo cloud-up down status worker synth deploy bench docs docs-serve docs-pictures lock openapi compat clean

help: ## Show these commands
	@grep -E '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | awk -F'\t' '{printf "  make %-18s %s\n", $$1, $$2}'

setup: .venv/ready ## Make the environment (nothing to do the second time)

$(TOOLS)/ready:
	@python=""; \
	for candidate in $(PYTHON) python3.13 python3.12 python3.11 python3.14 python3 python; do \
	  if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then python=$$candidate; break; fi; \
	done; \
	if [ -z "$$python" ]; then echo "Python 3.11 or newer is needed (Debian, Ubuntu: apt install python3 python3-venv)." >&2; exit 1; fi; \
	if ! "$$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then \
	  echo "$$python cannot make environments: install its venv package (Debian, Ubuntu: apt install python3-venv)." >&2; exit 1; fi; \
	echo "· setting up with $$("$$python" --version)" >&2; \
	rm -rf $(TOOLS); \
	"$$python" -m venv $(TOOLS); \
	$(TOOLS)/bin/python -m pip install --quiet --disable-pip-version-check "$$(sed -n 's/^\(uv==[^ ]*\).*/\1/p' requirements/dev.txt)"
	@touch $@

.venv/ready: $(TOOLS)/ready requirements/dev.txt pyproject.toml
	@if [ ! -x $(PY) ]; then $(UV) venv --quiet --python $(TOOLS)/bin/python .venv; fi
	@$(UV) pip install --quiet --python $(PY) --require-hashes -r requirements/dev.txt
	@$(UV) pip install --quiet --python $(PY) --no-deps -e .
	@touch $@

.venv-training/ready: $(TOOLS)/ready requirements/training.txt pyproject.toml
	@echo "· setting up the training environment (with torch)" >&2
	@if [ ! -x $(TRAINING) ]; then $(UV) venv --quiet --python $(TOOLS)/bin/python .venv-training; fi
	@$(UV) pip install --quiet --python $(TRAINING) --require-hashes -r requirements/training.txt
	@$(UV) pip install --quiet --python $(TRAINING) --no-deps -e .
	@touch $@

check: setup ## Lint, check types, build the documentation: what CI runs first
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy --strict $(TYPED)
	$(MKDOCS) build --strict --quiet

format: setup ## Put the code in its form
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

test: ## Every tier of tests, one after the other, and the coverage
	$(MAKE) test-unit COVER=1
	$(MAKE) test-integration COVER=1
	$(MAKE) coverage
	$(MAKE) test-infra
	$(MAKE) test-training
	$(MAKE) test-e2e

test-unit: setup ## Unit tests: seconds
	@echo "== unit tests"
	COVERAGE_FILE=.coverage.unit $(PYTEST) $(ON_TWO_CORES) $(if $(COVER),--cov --cov-report=) tests/unit

test-integration: setup ## Handlers and adapters against moto, in process
	@echo "== integration tests"
	COVERAGE_FILE=.coverage.integration $(PYTEST) $(ON_TWO_CORES) $(if $(COVER),--cov --cov-report=) tests/integration

coverage: setup ## Branch coverage of the functions and the library, at least 90 %
	@echo "== coverage of unit and integration tests"
	.venv/bin/coverage combine --keep .coverage.unit .coverage.integration
	.venv/bin/coverage report --fail-under=90

test-infra: setup ## The synthesized templates, layers and zips
	@echo "== infrastructure tests"
	$(PYTEST) $(ON_TWO_CORES) tests/infra

test-training: .venv-training/ready ## Training, in its own environment with torch
	@echo "== training tests"
	OMP_NUM_THREADS=1 $(TRAINING) -m pytest -q $(ON_TWO_CORES) tests/training

test-e2e: setup .venv-training/ready ## The deployed stack on the laptop cloud, plain and strict, and a model trained on it
	@echo "== end-to-end tests"
	$(MAKE) --jobs=2 $(if $(filter output-sync,$(.FEATURES)),--output-sync=target) test-e2e-plain test-e2e-strict

test-e2e-plain test-e2e-strict: test-e2e-%: setup .venv-training/ready
	$(PYTEST) -m $* tests/e2e

demo: setup ## One photo, from the upload to the finding (IMAGE=path SPECIALTY=skin|eye|oral|brain)
	@$(PY) -m infra.local.demo $(if $(IMAGE),--image "$(IMAGE)") $(if $(SPECIALTY),--specialty "$(SPECIALTY)")

cloud-up: setup ## Start the laptop cloud and deploy to it
	@$(PY) -m infra.local up --profile $(PROFILE)

status: setup ## Whether the laptop cloud is up
	@$(PY) -m infra.local status --profile $(PROFILE)

down: setup ## Stop the laptop cloud
	@$(PY) -m infra.local down --profile $(PROFILE)

worker: setup .venv-training/ready ## Do the laptop cloud's training jobs, until Ctrl-C
	@$(PY) -m infra.local worker --profile $(PROFILE)

synth: setup ## The template of a stage (STAGE=dev|prod), without an account
	@$(PY) -m infra.cdk synth --quiet --context stage=$(STAGE)

deploy: setup ## Deploy to the AWS account of your credentials (STAGE=dev|prod; WITH_TRAINING=true: with Docker, and training)
	@$(PY) -m infra.cdk deploy$(if $(WITH_TRAINING), --all --context training=$(WITH_TRAINING)) --context stage=$(STAGE)

bench: setup .venv-training/ready ## Speed against a PyTorch server's way and against the limit, and reports, to build/bench.json
	@$(TRAINING) -m bench
	@$(PY) -m bench.reports

docs: setup ## Build the documentation's site to build/site
	@$(MKDOCS) build --strict
	@echo "· open build/site/index.html"

docs-serve: setup ## Show the documentation while you write it, at http://127.0.0.1:8000
	@$(MKDOCS) serve --livereload --no-strict

docs-pictures: setup ## Draw the documentation's pictures anew
	@$(PY) -m docs.making.pictures

lock: setup ## Resolve all dependencies anew
	@$(PY) -m infra.locks --upgrade

openapi: setup ## Write docs/openapi.json
	@$(PY) -m clinic_api.openapi

compat: setup ## Write docs/compat.md
	@$(PY) -m tests.contracts.page

clean: ## Stop the laptop cloud and remove what was built
	@if [ -x $(PY) ]; then $(PY) -m infra.local down; $(PY) -m infra.local down --profile strict; fi
	rm -rf build cdk.out .local .coverage .coverage.* .mypy_cache .pytest_cache .ruff_cache .hypothesis
