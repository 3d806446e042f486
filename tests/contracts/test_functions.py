"""Functions with their code and versions, as Lambda has them."""

import json
from collections.abc import Callable
from typing import NamedTuple

import pytest

from handlers.aws import function_versions
from handlers.aws.function_code import FunctionCode as RealCode
from handlers.aws.function_invoker import FunctionInvoker
from handlers.aws.function_versions import FunctionVersions
from handlers.domain.function_arns import FunctionCatalogue, base_arn
from handlers.domain.runs.execution import FunctionCode, Invoker
from handlers.domain.runs.outcome import VERSION_NOT_FOUND, PermanentFailure
from handlers.domain.runs.run import Status
from handlers.domain.upkeep.version_sweep import Versions
from infra.local.local_stack import LocalStack
from tests.builders import FUNCTION_ARN, a_pin, a_run
from tests.contracts.conftest import FAKE
from tests.fakes import FakeCatalogue
from tests.fakes.services import FakeCode, FakeInvoker
from tests.fakes.versions import FakeVersions, a_version
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


class Published(NamedTuple):
    """A function with three versions: two published by this service, the last by the team."""

    arn: str
    versions: Versions
    point_alias_to: Callable[[int], object]


@pytest.fixture
def published(request: pytest.FixtureRequest, implementation: str, monkeypatch: pytest.MonkeyPatch) -> Published:
    if implementation == FAKE:
        return published_in_memory()
    monkeypatch.setattr(function_versions, "PACE_SECONDS", 0)
    function: TeamFunction = request.getfixturevalue("published_function")
    return Published(
        function.arn,
        FunctionVersions(function.client),
        lambda number: function.client.create_alias(
            FunctionName=function.name, Name="live", FunctionVersion=str(number)
        ),
    )


def published_in_memory() -> Published:
    fake = FakeVersions()
    fake.has(a_version(1), a_version(2), a_version(3, is_ours=False))

    def point_alias_to(number: int) -> None:
        versions = fake.published[FUNCTION_ARN]
        fake.published[FUNCTION_ARN] = [each._replace(is_aliased=each.number == number) for each in versions]
        fake.locked.add(f"{FUNCTION_ARN}:{number}")

    return Published(FUNCTION_ARN, fake, point_alias_to)


def test_versions_say_who_published_them(published: Published) -> None:
    assert [(each.arn, each.number, each.is_ours) for each in published.versions.of(published.arn)] == [
        (f"{published.arn}:1", 1, True),
        (f"{published.arn}:2", 2, True),
        (f"{published.arn}:3", 3, False),
    ]
    assert published.versions.of(ABSENT) == []


def test_one_version_is_deleted_and_what_was_deleted_before_is_deleted(published: Published) -> None:
    assert published.versions.delete(f"{published.arn}:1")
    assert published.versions.delete(f"{published.arn}:1")
    assert published.versions.delete(f"{ABSENT}:1")
    assert [each.number for each in published.versions.of(published.arn)] == [2, 3]


def test_what_an_alias_points_to_is_not_deleted(published: Published) -> None:
    published.point_alias_to(1)
    assert not published.versions.delete(f"{published.arn}:1")
    assert [(each.number, each.is_aliased) for each in published.versions.of(published.arn)] == [
        (1, True),
        (2, False),
        (3, False),
    ]
