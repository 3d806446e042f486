from datetime import UTC, datetime
from typing import Any

import pytest

from handlers.aws.function_code import DESCRIPTION
from handlers.domain.errors import Unavailable
from handlers.sweep_versions import function_versions
from handlers.sweep_versions.function_versions import FunctionVersions
from infra.local.local_stack import LocalStack
from tests.faults.answers import answer, error
from tests.faults.client import injected
from tests.packages import package
from tests.stack.driver import ECHO, TeamFunction

DELETE = "lambda.DeleteFunction"
ALIASES = "lambda.ListAliases"
VERSIONS = "lambda.ListVersionsByFunction"
ABSENT = "arn:aws:lambda:us-east-1:000000000000:function:absent"


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(function_versions, "PACE_SECONDS", 0)


@pytest.fixture
def client(local_stack: LocalStack) -> Any:
    return local_stack.client("lambda")


@pytest.fixture
def versions(client: Any) -> FunctionVersions:
    return FunctionVersions(client)


@pytest.fixture
def function(local_stack: LocalStack, client: Any) -> TeamFunction:
    """With two versions published by this service, and one by the team. Nobody invokes it: nor need it be active."""
    function = TeamFunction(local_stack)
    function.arn = client.create_function(
        FunctionName=function.name,
        Runtime="python3.13",
        Handler="index.handler",
        Role=function._role(),
        Code={"ZipFile": package(ECHO)},
    )["FunctionArn"]
    for timeout, description in enumerate([DESCRIPTION, DESCRIPTION, "release 12"], start=1):
        client.update_function_configuration(FunctionName=function.name, Timeout=timeout)
        client.publish_version(FunctionName=function.name, Description=description)
    return function


def test_the_versions_of_a_function_are_told_by_who_published_them(
    versions: FunctionVersions, function: TeamFunction
) -> None:
    found = versions.of(function.arn)
    assert [(each.arn, each.number, each.is_ours) for each in found] == [
        (f"{function.arn}:1", 1, True),
        (f"{function.arn}:2", 2, True),
        (f"{function.arn}:3", 3, False),
    ]
    assert all(0 <= (datetime.now(UTC) - each.modified_at).total_seconds() < 600 for each in found)


def test_an_alias_points_to_all_versions_that_it_sends_traffic_to(
    versions: FunctionVersions, function: TeamFunction, client: Any
) -> None:
    shares = {"AdditionalVersionWeights": {"1": 0.1}}
    client.create_alias(FunctionName=function.name, Name="live", FunctionVersion="3", RoutingConfig=shares)
    assert [each.is_aliased for each in versions.of(function.arn)] == [True, False, True]


def test_versions_and_aliases_are_read_to_the_last_page(
    versions: FunctionVersions, function: TeamFunction, client: Any
) -> None:
    def version(number: int) -> dict[str, Any]:
        return {"Version": str(number), "LastModified": "2026-11-22T09:30:00.000+0000"}

    aliases: list[dict[str, Any]] = [
        {"Aliases": [{"FunctionVersion": "1"}], "NextMarker": "a"},
        {"Aliases": [{"FunctionVersion": "2"}]},
    ]
    pages: list[dict[str, Any]] = [
        {"Versions": [{"Version": "$LATEST"}, version(1)], "NextMarker": "v"},
        {"Versions": [version(2)]},
    ]
    with (
        injected(client.meta.events, ALIASES, *(answer(200, page) for page in aliases)),
        injected(client.meta.events, VERSIONS, *(answer(200, page) for page in pages)),
    ):
        found = versions.of(function.arn)
    assert [(each.number, each.is_aliased, each.is_ours) for each in found] == [(1, True, False), (2, True, False)]
    assert found[0].modified_at == datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


def test_a_function_that_is_gone_has_no_versions(versions: FunctionVersions) -> None:
    assert versions.of(ABSENT) == []


def test_one_version_is_deleted_and_nothing_else(
    versions: FunctionVersions, function: TeamFunction, client: Any
) -> None:
    assert versions.delete(f"{function.arn}:1")
    assert [each.number for each in versions.of(function.arn)] == [2, 3]
    assert client.get_function(FunctionName=function.name)


def test_the_version_to_be_deleted_is_named_twice(
    versions: FunctionVersions, function: TeamFunction, client: Any
) -> None:
    sent: list[str] = []
    client.meta.events.register(f"before-send.{DELETE}", lambda request, **_: sent.append(request.url))
    versions.delete(f"{function.arn}:2")
    assert sent[0].endswith(f"{function.name}%3A2?Qualifier=2")


def test_what_was_deleted_before_is_deleted(versions: FunctionVersions, function: TeamFunction) -> None:
    assert versions.delete(f"{function.arn}:1")
    assert versions.delete(f"{function.arn}:1")
    assert versions.delete(f"{ABSENT}:1")


def test_lambda_holds_on_to_what_an_alias_points_to(
    versions: FunctionVersions, function: TeamFunction, client: Any
) -> None:
    client.create_alias(FunctionName=function.name, Name="live", FunctionVersion="1")
    assert not versions.delete(f"{function.arn}:1")
    assert len(versions.of(function.arn)) == 3


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(error(403, "AccessDeniedException"), id="denied"),
        pytest.param(error(429, "TooManyRequestsException"), id="throttled"),
        pytest.param(error(500, "ServiceException"), id="broken"),
    ],
)
@pytest.mark.parametrize("operation", [ALIASES, VERSIONS, DELETE])
def test_what_lambda_does_not_answer_is_told(
    versions: FunctionVersions, function: TeamFunction, client: Any, operation: str, fault: Any
) -> None:
    ask, about = (versions.delete, f"{function.arn}:1") if operation == DELETE else (versions.of, function.arn)
    with injected(client.meta.events, operation, fault), pytest.raises(Unavailable):
        ask(about)
