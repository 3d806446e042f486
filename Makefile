.PHONY: help install demo demo-outage up down logs bootstrap diff deploy destroy unit test proof chaos bench check format reference openapi lock clean

PYTHON ?= python3
BIN := .venv/bin

help: ## say what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort

# Made again when a lock file changes; an interrupted install leaves no stamp and starts over.
.venv/installed: requirements/dev.txt client/pyproject.toml
	@test ! -L .venv || { echo ".venv is a link, and what it leads to would be emptied. Remove the link." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Function Re-run needs Python 3.11 or newer; PYTHON=python3.13 make demo chooses another" >&2; exit 1; }
	@echo "Installing the locked dependencies into .venv (a minute or two, once) …"
	@$(PYTHON) -m venv --clear .venv
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --require-hashes --requirement requirements/dev.txt
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation --editable ./client
	@touch $@

install: .venv/installed ## install the locked dependencies and fnrun into .venv

demo: install ## start the stack on an AWS emulator, show it with real calls, stop everything
	@$(BIN)/python -m infra.local demo

demo-outage: install ## the same for an outage: 200 failed orders, found and recovered by a batch of re-runs (two minutes)
	@$(BIN)/python -m infra.local demo-outage

up: install ## bring the stack up on this machine and leave it running
	@$(BIN)/python -m infra.local up

down: ## stop what `make up` started
	@test ! -x $(BIN)/python || $(BIN)/python -m infra.local down

logs: install ## follow what the Lambdas log
	@$(BIN)/python -m infra.local logs

# ARGS="--profile P --region R" is for all of these; --stack S not for bootstrap, --yes (to be asked nothing) not for diff.
bootstrap: install ## prepare an AWS account and region for the CDK, once
	@$(BIN)/python -m infra.aws bootstrap $(ARGS)

diff: install ## show what a deployment to AWS would change
	@$(BIN)/python -m infra.aws diff $(ARGS)

deploy: install ## deploy to AWS; shows what would change and asks first
	@$(BIN)/python -m infra.aws deploy $(ARGS)

destroy: install ## delete the stack on AWS, with the rules and schedules of its triggers; asks first
	@$(BIN)/python -m infra.aws destroy $(ARGS)

# Tests of these directories that start the emulator are left out.
UNIT = tests/client tests/domain tests/aws
unit: install ## the fast tests: no emulator, fewer random examples
	@$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 -m "not emulator" --hypothesis-profile quick $(UNIT)

test: install ## all tests
	@$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

# What runs inside Lambda is measured where it runs in the tests' own process; the floor is a point below what that gives.
proof: install ## the long checks: branch coverage with a floor, long fuzzing, long faults (an hour)
	@$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile --cov=handlers --cov-branch --cov-report=term:skip-covered --cov-fail-under=97 tests/domain tests/entry_points tests/aws tests/infra
	@$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --hypothesis-profile long tests/domain tests/stack/fuzz
	@$(BIN)/python -m infra.local demo-outage
	@$(MAKE) --no-print-directory chaos

chaos: install ## break every AWS call and kill processes under load, then check that no run is lost or executed once too often (half an hour)
	@$(BIN)/python -m tests.chaos

bench: install ## measure: AWS calls of a re-run, its latency against its floor, cold starts, large comparisons, and how fnrun starts
	@$(BIN)/python -m tests.bench.aws_calls
	@$(BIN)/python -m tests.bench.latency
	@$(BIN)/python -m tests.bench.cold_start
	@$(BIN)/python -m tests.bench.compare
	@$(BIN)/python -m tests.bench.command_line
	@$(BIN)/python -m tests.bench.batch_cost
	@$(BIN)/python -m tests.bench.batch_latency

check: install ## lint, format, types, and who may import whom
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache --no-logo

format: install ## format, and correct what can be corrected
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

reference: install ## write the generated pages of the docs
	@$(BIN)/python -m infra.reference

openapi: install ## write the API's OpenAPI document to docs/reference/openapi.json
	@$(BIN)/python -m infra.reference openapi.json

COMPILE = uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links
lock: ## resolve the dependencies again (needs uv)
	$(COMPILE) pyproject.toml --group dev --output-file requirements/dev.txt
	sed -E 's/ *\\$$//; /--hash/d' requirements/dev.txt > requirements/.versions
	$(COMPILE) pyproject.toml --constraint requirements/.versions --output-file requirements/lambda.txt
	rm requirements/.versions

clean: down ## remove what was made, .venv too
	rm -rf .venv .local cdk.out build
