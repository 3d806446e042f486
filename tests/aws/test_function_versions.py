from datetime import UTC, datetime
from typing import Any

import pytest

from handlers.domain.errors import Unavailable
from handlers.sweep_versions import function_versions
from handlers.sweep_versions.function_versions import FunctionVersions
from infra.local.local_stack import LocalStack
from tests.faults.answers import answer, error
from tests.faults.client import injected
from tests.stack.driver import TeamFunction

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


def test_an_alias_points_to_all_versions_that_it_sends_traffic_to(
    versions: FunctionVersions, published_function: TeamFunction, client: Any
) -> None:
    shares = {"AdditionalVersionWeights": {"1": 0.1}}
    client.create_alias(FunctionName=published_function.name, Name="live", FunctionVersion="3", RoutingConfig=shares)
    assert [each.is_aliased for each in versions.of(published_function.arn)] == [True, False, True]


def test_versions_and_aliases_are_read_to_the_last_page(
    versions: FunctionVersions, published_function: TeamFunction, client: Any
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
        found = versions.of(published_function.arn)
    assert [(each.number, each.is_aliased, each.is_ours) for each in found] == [(1, True, False), (2, True, False)]
    assert found[0].modified_at == datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


def test_the_version_to_be_deleted_is_named_twice(
    versions: FunctionVersions, published_function: TeamFunction, client: Any
) -> None:
    sent: list[str] = []
    client.meta.events.register(f"before-send.{DELETE}", lambda request, **_: sent.append(request.url))
    versions.delete(f"{published_function.arn}:2")
    assert sent[0].endswith(f"{published_function.name}%3A2?Qualifier=2")


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
    versions: FunctionVersions, published_function: TeamFunction, client: Any, operation: str, fault: Any
) -> None:
    ask, about = (
        (versions.delete, f"{published_function.arn}:1")
        if operation == DELETE
        else (versions.of, published_function.arn)
    )
    with injected(client.meta.events, operation, fault), pytest.raises(Unavailable):
        ask(about)
