"""Functions and their code, as Lambda has them."""

import json
from typing import NamedTuple

import pytest

from handlers.aws.function_code import FunctionCode as RealCode
from handlers.aws.function_invoker import FunctionInvoker
from handlers.domain.function_arns import FunctionCatalogue, base_arn
from handlers.domain.runs.execution import FunctionCode, Invoker
from handlers.domain.runs.outcome import VERSION_NOT_FOUND, PermanentFailure
from handlers.domain.runs.run import Status
from infra.local.local_stack import LocalStack
from tests.builders import FUNCTION_ARN, a_pin, a_run
from tests.contracts.conftest import FAKE
from tests.fakes import FakeCatalogue
from tests.fakes.services import FakeCode, FakeInvoker
from tests.stack.driver import ECHO, TeamFunction

ABSENT = "arn:aws:lambda:us-east-1:000000000000:function:absent"


class Functions(NamedTuple):
    """One function, whose code is published and can be invoked."""

    arn: str
    code: FunctionCode
    catalogue: FunctionCatalogue
    invoker: Invoker


@pytest.fixture
def functions(request: pytest.FixtureRequest, implementation: str) -> Functions:
    if implementation == FAKE:
        return Functions(FUNCTION_ARN, FakeCode(), FakeCatalogue(), FakeInvoker())
    local_stack: LocalStack = request.getfixturevalue("local_stack")
    function = TeamFunction(local_stack).deploy(ECHO, timeout=30)
    code = RealCode(function.client, marks_versions=False, hash_of=lambda _: "hash")
    return Functions(function.arn, code, code, FunctionInvoker(function.client))


def test_a_function_s_code_is_a_version_that_stays_the_same(functions: Functions) -> None:
    pin = functions.code.current(functions.arn, refresh=False)
    assert base_arn(pin.function_version_arn) == functions.arn
    assert pin.function_version_arn == f"{functions.arn}:{pin.function_version}"
    assert functions.code.current(functions.arn, refresh=True) == pin
    functions.code.check_state(pin)
    functions.code.evict(a_pin(99))
    assert functions.code.current(functions.arn, refresh=False) == pin, "another version is not of concern"


def test_a_function_that_does_not_exist_has_no_code_and_no_timeout(functions: Functions) -> None:
    with pytest.raises(PermanentFailure) as failure:
        functions.code.current(ABSENT, refresh=False)
    assert failure.value.code == VERSION_NOT_FOUND
    assert functions.catalogue.timeout_seconds(ABSENT) is None
    assert functions.catalogue.timeout_seconds(functions.arn) == 30


def test_an_invocation_gives_the_result_as_bytes(functions: Functions) -> None:
    pin = functions.code.current(functions.arn, refresh=False)
    outcome = functions.invoker.invoke(pin, b'{"ok":true}', a_run(status="running"))
    assert (outcome.status, outcome.error_code) == (Status.COMPLETED, None)
    assert outcome.result is not None
    assert json.loads(outcome.result) == {"ok": True}
