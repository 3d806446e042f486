from typing import Any

import pytest

from handlers.aws.function_code import FunctionCode
from handlers.domain.errors import Unavailable
from handlers.domain.runs.outcome import PermanentFailure, RetryLater
from infra.local.local_stack import LocalStack
from tests.builders import a_pin
from tests.faults.answers import answer, error
from tests.faults.client import injected
from tests.stack.driver import TeamFunction

GET = "lambda.GetFunction"
PUBLISH = "lambda.PublishVersion"


@pytest.fixture
def function(local_stack: LocalStack) -> TeamFunction:
    return TeamFunction(local_stack).deploy("def handler(event, context): return 1\n")


@pytest.fixture
def client(local_stack: LocalStack) -> Any:
    return local_stack.client("lambda")


@pytest.fixture
def code(client: Any) -> FunctionCode:
    return FunctionCode(client, marks_versions=True, hash_of=handler_of)


def handler_of(configuration: dict[str, Any]) -> str:
    """In place of a hash."""
    return f"hash of {configuration.get('Handler')}"


def test_the_code_without_alias_is_published_to_be_reproducible(code: FunctionCode, function: TeamFunction) -> None:
    pin = code.current(function.arn, refresh=False)
    assert pin.function_version_arn == f"{function.arn}:{pin.function_version}"
    assert pin.function_version.isdigit()
    assert pin.timeout_seconds == 10
    assert pin.config_hash == "hash of index.handler"


def test_an_alias_on_latest_is_published_too(code: FunctionCode, function: TeamFunction, client: Any) -> None:
    client.create_alias(FunctionName=function.name, Name="dev", FunctionVersion="$LATEST")
    pin = code.current(f"{function.arn}:dev", refresh=False)
    assert pin.function_version_arn == f"{function.arn}:{pin.function_version}"
    assert pin.function_version.isdigit()


def test_a_burst_asks_lambda_once(code: FunctionCode, function: TeamFunction, client: Any) -> None:
    with injected(client.meta.events, GET) as request, injected(client.meta.events, PUBLISH) as published:
        for _ in range(10):
            code.current(function.arn, refresh=False)
    assert (len(request), len(published)) == (1, 1)


def test_looking_again_publishes_only_when_something_changed(
    code: FunctionCode, function: TeamFunction, client: Any
) -> None:
    first = code.current(function.arn, refresh=True)
    with injected(client.meta.events, PUBLISH) as published:
        assert code.current(function.arn, refresh=True) == first
    assert published == []
    function.deploy("def handler(event, context): return 2\n")
    assert code.current(function.arn, refresh=True) != first


def test_what_is_published_here_says_so(code: FunctionCode, function: TeamFunction, client: Any) -> None:
    pin = code.current(function.arn, refresh=False)
    published = client.get_function_configuration(FunctionName=pin.function_version_arn)
    assert published["Description"] == "Published by Function Re-run"
    assert client.get_function_configuration(FunctionName=function.arn)["Description"] == ""


def test_what_is_published_says_nothing_unless_it_is_to_be_deleted_some_day(
    function: TeamFunction, client: Any
) -> None:
    pin = FunctionCode(client, marks_versions=False, hash_of=handler_of).current(function.arn, refresh=False)
    published = client.get_function_configuration(FunctionName=pin.function_version_arn)
    assert published["Description"] == ""


def test_a_version_that_the_team_published_remains_the_team_s(
    code: FunctionCode, function: TeamFunction, client: Any
) -> None:
    theirs = client.publish_version(FunctionName=function.name, Description="release 12")
    pin = code.current(function.arn, refresh=False)
    assert pin.function_version_arn == theirs["FunctionArn"]
    assert client.get_function_configuration(FunctionName=theirs["FunctionArn"])["Description"] == "release 12"


def test_code_can_be_read_and_nothing_is_published_for_it(
    code: FunctionCode, function: TeamFunction, client: Any
) -> None:
    with injected(client.meta.events, PUBLISH) as published:
        unpublished = code.read(function.arn)
    assert published == []
    assert unpublished.function_version == "$LATEST"
    pin = code.current(function.arn, refresh=True)
    assert pin.function_code_hash == unpublished.function_code_hash
    assert (code.read(pin.function_version_arn), code.read(function.arn)) == (pin, unpublished)
    with pytest.raises(PermanentFailure):
        code.read(f"{function.arn}:99")


def configured(function: TeamFunction, **configuration: str) -> Any:
    """GetFunction's answer."""
    whole = {
        "FunctionArn": function.arn,
        "Version": "$LATEST",
        "Timeout": 3,
        "CodeSha256": "x",
        "LastModified": "2026-11-22T09:30:00.000+0000",
        "State": "Active",
        "LastUpdateStatus": "Successful",
    }
    return answer(200, {"Configuration": whole | configuration})


def test_a_function_that_is_being_updated_is_for_later(code: FunctionCode, function: TeamFunction, client: Any) -> None:
    updating = configured(function, LastUpdateStatus="InProgress")
    with injected(client.meta.events, GET, updating), pytest.raises(RetryLater):
        code.current(function.arn, refresh=True)
    with injected(client.meta.events, GET, updating), pytest.raises(RetryLater):
        code.read(function.arn)
    with injected(client.meta.events, PUBLISH, error(409, "ResourceConflictException")), pytest.raises(RetryLater):
        code.current(function.arn, refresh=True)


@pytest.mark.parametrize("version", ["$LATEST", "7"])
def test_what_is_in_the_state_failed_is_not_waited_for(
    code: FunctionCode, function: TeamFunction, client: Any, version: str
) -> None:
    failed = configured(function, Version=version, State="Failed", StateReasonCode="InvalidImage")
    with (
        injected(client.meta.events, GET, failed),
        pytest.raises(PermanentFailure, match="state Failed: InvalidImage") as why,
    ):
        code.current(function.arn, refresh=True)
    assert why.value.code == "FunctionStateFailed"
    with injected(client.meta.events, GET, failed), pytest.raises(PermanentFailure, match="state Failed: InvalidImage"):
        code.check_state(a_pin())


def test_a_change_that_failed_leaves_the_code_from_before_it(
    code: FunctionCode, function: TeamFunction, client: Any
) -> None:
    with injected(client.meta.events, GET, configured(function, LastUpdateStatus="Failed")):
        assert code.current(function.arn, refresh=True).function_version.isdigit()


@pytest.mark.parametrize(
    ("status", "refusal"),
    [(400, "CodeStorageExceededException"), (502, "KMSAccessDeniedException"), (502, "KMSDisabledException")],
)
def test_what_somebody_has_to_mend_before_a_version_can_be_published_is_not_waited_for(
    code: FunctionCode, function: TeamFunction, client: Any, status: int, refusal: str
) -> None:
    with injected(client.meta.events, PUBLISH, error(status, refusal)), pytest.raises(PermanentFailure) as why:
        code.current(function.arn, refresh=True)
    assert why.value.code == refusal


@pytest.mark.parametrize("fault", [error(429, "TooManyRequestsException"), error(500, "ServiceException")])
def test_a_throttled_control_plane_is_for_later(code: FunctionCode, client: Any, fault: Any) -> None:
    with injected(client.meta.events, GET, fault), pytest.raises(RetryLater):
        code.current("arn:aws:lambda:us-east-1:000000000000:function:any", refresh=True)
    with injected(client.meta.events, "lambda.GetFunctionConfiguration", fault), pytest.raises(Unavailable):
        code.timeout_seconds("arn:aws:lambda:us-east-1:000000000000:function:any")


def test_what_does_not_exist_is_unusable(code: FunctionCode) -> None:
    absent = "arn:aws:lambda:us-east-1:000000000000:function:absent"
    with pytest.raises(PermanentFailure) as reason:
        code.current(absent, refresh=False)
    assert reason.value.code == "FunctionVersionNotFound"
    assert code.timeout_seconds(absent) is None


def test_a_version_that_was_forgotten_is_published_anew(
    code: FunctionCode, function: TeamFunction, client: Any
) -> None:
    pin = code.current(function.arn, refresh=False)
    client.delete_function(FunctionName=function.name, Qualifier=pin.function_version)
    code.evict(pin)
    anew = code.current(function.arn, refresh=False)
    assert anew != pin
    assert client.get_function(FunctionName=anew.function_version_arn)
