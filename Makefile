.PHONY: help install demo up down logs bootstrap diff deploy destroy test chaos bench check format lock clean

PYTHON ?= python3
BIN := .venv/bin

help: ## say what can be made
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort

# Made anew when a lock file changes; an interrupted install leaves no stamp and starts over.
.venv/installed: requirements/dev.txt
	@test ! -L .venv || { echo ".venv is a link, and what it leads to would be emptied. Remove the link." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Function Re-run needs Python 3.11 or newer; PYTHON=python3.13 make demo chooses another" >&2; exit 1; }
	@echo "Installing the locked dependencies into .venv (a minute or two, once) …"
	@$(PYTHON) -m venv --clear .venv
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --require-hashes --requirement requirements/dev.txt
	@touch $@

install: .venv/installed ## install the locked dependencies into .venv

demo: install ## start the stack on an embedded AWS, tell a story with real calls, stop everything
	@$(BIN)/python -m infra.local demo

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

test: install ## all tests
	@$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

chaos: install ## strike every AWS call and kill processes under load, then compare the books (a quarter of an hour)
	@$(BIN)/python -m tests.chaos

bench: install ## measure: AWS calls of a re-run, its latency against its floor, and cold starts
	@$(BIN)/python -m tests.bench.aws_calls
	@$(BIN)/python -m tests.bench.latency
	@$(BIN)/python -m tests.bench.cold_start

check: install ## lint, format, types, and who may import whom
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache --no-logo

format: install ## format and mend what can be mended
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

COMPILE = uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links
lock: ## resolve the dependencies anew (needs uv)
	$(COMPILE) pyproject.toml --group dev --output-file requirements/dev.txt
	sed -E 's/ *\\$$//; /--hash/d' requirements/dev.txt > requirements/.versions
	$(COMPILE) pyproject.toml --constraint requirements/.versions --output-file requirements/lambda.txt
	rm requirements/.versions

clean: down ## remove what was made, .venv too
	rm -rf .venv .local cdk.out build
