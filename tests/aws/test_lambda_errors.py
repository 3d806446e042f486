"""No error that AWS's model has goes unclassified, and none is classified twice."""

from itertools import combinations
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from handlers.aws import lambda_errors
from handlers.aws.function_invoker import FunctionInvoker
from handlers.domain.runs.outcome import NotReady, OutcomeUnknown, PermanentFailure, RetryLater
from tests.builders import a_pin, a_run

INVOKE = {"later": lambda_errors.LATER, "never": lambda_errors.NEVER, "unknown": lambda_errors.UNKNOWN}
CONTROL = {"later": lambda_errors.CONTROL_LATER, "never": lambda_errors.CONTROL_NEVER}


def errors_of(operation: str) -> list[str]:
    model = boto3.client("lambda", region_name="eu-west-1").meta.service_model
    return sorted(
        shape.metadata.get("error", {}).get("code", shape.name)
        for shape in model.operation_model(operation).error_shapes
    )


@pytest.mark.parametrize("code", errors_of("Invoke"))
def test_each_error_of_an_invocation_says_whether_the_run_waits_fails_or_was_executed(code: str) -> None:
    assert [table for table, codes in INVOKE.items() if code in codes] != []


@pytest.mark.parametrize("code", errors_of("Invoke"))
def test_what_the_table_says_of_an_error_becomes_of_the_run(code: str) -> None:
    def refuse(**_: Any) -> None:
        refused: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": 502}}
        raise ClientError(refused, "Invoke")

    client: Any = SimpleNamespace(invoke=refuse)
    with pytest.raises((RetryLater, PermanentFailure, OutcomeUnknown)) as reason:
        FunctionInvoker(client).invoke(a_pin(), b"{}", a_run(status="running"))
    (table,) = (table for table, codes in INVOKE.items() if code in codes)
    assert isinstance(reason.value, {"later": RetryLater, "never": PermanentFailure, "unknown": OutcomeUnknown}[table])
    assert isinstance(reason.value, NotReady) == (code in lambda_errors.NOT_READY)


@pytest.mark.parametrize("operation", ["GetFunction", "GetFunctionConfiguration", "PublishVersion"])
def test_each_error_of_a_look_at_the_code_says_whether_the_run_waits_or_fails(operation: str) -> None:
    classified = {code for codes in CONTROL.values() for code in codes}
    assert [code for code in errors_of(operation) if code not in classified] == []


@pytest.mark.parametrize("tables", [INVOKE, CONTROL], ids=["invoke", "control plane"])
def test_no_error_means_two_things(tables: dict[str, frozenset[str]]) -> None:
    assert [one & other for one, other in combinations(tables.values(), 2) if one & other] == []


def test_what_is_not_ready_is_waited_for() -> None:
    assert lambda_errors.NOT_READY < lambda_errors.LATER
