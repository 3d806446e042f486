"""Each entry point is given what it reads, and fails when it is loaded without: before anybody asks anything of it."""

import ast
import inspect
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from handlers import api_openapi
from handlers.settings import (
    METRICS_NAMESPACE,
    OPTIONAL,
    MissingSettingsError,
    Settings,
    check_environment,
    variable,
)
from handlers.wiring import Wiring
from tests.infra.template import ENTRY_POINTS, reads

HANDLERS = Path(__file__).parents[2] / "handlers"
# Not text: what stands in for each in an environment.
TYPED = {
    "other_buses": "{}",
    "invokable_functions": "{}",
    "max_reruns_per_lineage": "7",
    "max_concurrent_executions": "7",
    "max_concurrent_executions_per_workspace": "7",
    "retention_days": "7",
    "audit_retention_days": "7",
    "audience": "[]",
    "delete_unused_versions": "true",
    "require_reason": "true",
    "input_key_arn": "arn:aws:kms:eu-west-1:123456789012:key/00000000-0000-4000-8000-000000000001",
    "outcome_key_arn": "arn:aws:kms:eu-west-1:123456789012:key/00000000-0000-4000-8000-000000000002",
}


def tree_of(entry_point: str) -> ast.Module:
    return ast.parse(inspect.getsource(import_module(f"handlers.{entry_point}")))


def used_of_the_wiring(entry_point: str) -> set[str]:
    """What the entry point's source takes from the wiring, `wiring.runs` for example."""
    return {
        node.attr
        for node in ast.walk(tree_of(entry_point))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "wiring"
    }


def environment(entry_point: str) -> dict[str, str]:
    """As the stack makes it."""
    given = {variable(name): TYPED.get(name, "some-text") for name in reads(entry_point)}
    return given | {METRICS_NAMESPACE: "FunctionRerun"}


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "FunctionRerun-some-function")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.delenv(METRICS_NAMESPACE)
    return monkeypatch


@pytest.mark.parametrize("entry_point", ENTRY_POINTS)
def test_an_entry_point_reads_what_it_says_and_nothing_else(deployed: pytest.MonkeyPatch, entry_point: str) -> None:
    read: set[str] = set()

    class Recording(Settings):
        def __getattribute__(self, name: str) -> Any:
            if name in Settings.model_fields:
                read.add(name)
            return super().__getattribute__(name)

    for name, value in environment(entry_point).items():
        deployed.setenv(name, value)
    settings = Recording.from_environment()
    read.clear()
    wiring = Wiring(settings)
    for name in used_of_the_wiring(entry_point):
        getattr(wiring, name)
    if entry_point == "api_openapi":  # it needs no adapter, and so no wiring
        api_openapi.login_of(settings)
    assert read == set(reads(entry_point))


@pytest.mark.parametrize("entry_point", ENTRY_POINTS)
def test_an_entry_point_checks_its_environment_before_anything_else_when_it_is_loaded(entry_point: str) -> None:
    calls = [
        ast.unparse(statement.value)
        for statement in tree_of(entry_point).body
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)
    ]
    assert calls[:1] == ["check_environment(READS)"]


CASES = [
    (entry_point, name)
    for entry_point in ENTRY_POINTS
    for name in (*map(variable, [each for each in reads(entry_point) if each not in OPTIONAL]), METRICS_NAMESPACE)
]


@pytest.mark.parametrize(("entry_point", "missing"), CASES, ids=[" without ".join(case) for case in CASES])
@pytest.mark.parametrize("left", [None, ""], ids=["absent", "empty"])
def test_what_is_missing_is_named(
    deployed: pytest.MonkeyPatch, entry_point: str, missing: str, left: str | None
) -> None:
    for name, value in environment(entry_point).items():
        deployed.setenv(name, value)
    check_environment(reads(entry_point))
    deployed.delenv(missing)
    if left is not None:
        deployed.setenv(missing, left)
    with pytest.raises(MissingSettingsError) as failed:
        check_environment(reads(entry_point))
    assert str(failed.value) == f"Not in the environment: {missing}"


def test_all_that_is_missing_is_named_at_once(deployed: pytest.MonkeyPatch) -> None:
    deployed.setenv("RERUN_BUCKET_NAME", "bucket")
    with pytest.raises(MissingSettingsError, match=r"RERUN_TABLE_NAME, POWERTOOLS_METRICS_NAMESPACE$"):
        check_environment(reads("housekeeping"))


def test_what_cannot_be_read_fails_as_early_and_is_named(deployed: pytest.MonkeyPatch) -> None:
    for name, value in environment("on_event").items():
        deployed.setenv(name, value)
    deployed.setenv("RERUN_OTHER_BUSES", "{")
    with pytest.raises(ValidationError, match="other_buses"):
        check_environment(reads("on_event"))


def test_outside_of_lambda_there_is_no_environment_to_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_LAMBDA_FUNCTION_NAME", raising=False)
    check_environment(reads("api_rerun"))


def test_a_lambda_without_its_table_does_not_load() -> None:
    variables = environment("on_event") | {
        "AWS_LAMBDA_FUNCTION_NAME": "FunctionRerun-on-event",
        "PATH": os.environ["PATH"],
    }
    del variables["RERUN_TABLE_NAME"]
    loaded = subprocess.run(
        [sys.executable, "-c", "import handlers.on_event"],
        cwd=HANDLERS.parent, env=variables, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert loaded.returncode == 1
    assert loaded.stderr.rstrip().endswith("MissingSettingsError: Not in the environment: RERUN_TABLE_NAME")
