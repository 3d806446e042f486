import pytest

from handlers.domain.errors import InvalidRequest
from handlers.domain.function_arns import InvokablePatterns, base_arn, check_function_arn
from handlers.domain.registry.triggers import ShownTrigger
from tests.as_shown import as_shown
from tests.builders import FUNCTION_ARN, WORKSPACE, a_function, a_trigger
from tests.fakes import FakeCatalogue

OWN = "arn:aws:lambda:eu-west-1:123456789012:function:FunctionRerun-*"


def arn(name: str = "orders-import", *, region: str = "eu-west-1", account: str = "123456789012") -> str:
    return f"arn:aws:lambda:{region}:{account}:function:{name}"


def invokable(*patterns: str, workspace: str = WORKSPACE) -> InvokablePatterns:
    return InvokablePatterns({workspace: list(patterns)}, own_functions=OWN)


@pytest.mark.parametrize(
    ("pattern", "function_arn"),
    [
        (arn("orders-*"), arn("orders-import")),
        (arn("orders-*"), arn("orders-")),
        (arn("orders-*"), arn("orders-import:live")),
        (arn("*"), arn("anything")),
        (arn("orders-import"), arn("orders-import")),
        (arn("orders-*", account="*"), arn("orders-import", account="999999999999")),
        (arn("*-import", region="*"), arn("orders-import", region="us-east-1")),
    ],
)
def test_a_workspace_may_invoke_what_its_patterns_match(pattern: str, function_arn: str) -> None:
    assert invokable(pattern).allows(WORKSPACE, function_arn)


@pytest.mark.parametrize(
    ("pattern", "function_arn"),
    [
        (arn("orders-*"), arn("order-import")),
        (arn("orders-*"), arn("my-orders-import")),
        (arn("orders-import"), arn("orders-import-2")),
        (arn("orders-*"), arn("orders-import", region="us-east-1")),
        (arn("orders-*"), arn("orders-import", account="999999999999")),
        (arn("orders.import"), arn("orders-import")),
        (arn("orders-impor?"), arn("orders-import")),
        (arn("orders-[a-z]+"), arn("orders-import")),
        (arn("live"), arn("orders-import:live")),
        ("", arn()),
    ],
)
def test_a_workspace_may_invoke_nothing_else(pattern: str, function_arn: str) -> None:
    assert not invokable(pattern).allows(WORKSPACE, function_arn)


def test_a_pattern_is_its_own_workspace_s_or_everybody_s() -> None:
    assert not invokable(arn("*"), workspace="another").allows(WORKSPACE, arn())
    assert invokable(arn("*"), workspace="*").allows(WORKSPACE, arn())
    assert not InvokablePatterns({}, own_functions=OWN).allows(WORKSPACE, arn())


@pytest.mark.parametrize("name", ["FunctionRerun-execute-runs", "FunctionRerun-api-rerun:live", "FunctionRerun-"])
def test_the_stack_s_own_functions_are_nobody_s_whatever_the_patterns_say(name: str) -> None:
    for workspace in (WORKSPACE, "*"):
        assert not invokable("*", arn("*"), arn(name), workspace=workspace).allows(WORKSPACE, arn(name))


def test_a_function_whose_name_only_begins_like_the_stack_s_is_the_team_s_own() -> None:
    assert invokable(arn("*")).allows(WORKSPACE, arn("FunctionRerunner"))


def check(function_arn: str, *, timeout: int | None = 30) -> None:
    catalogue = FakeCatalogue()
    catalogue.timeouts = {} if timeout is None else {function_arn: timeout}
    check_function_arn(function_arn, workspace=WORKSPACE, allowed=invokable(arn("*"), "*"), catalogue=catalogue)


@pytest.mark.parametrize(
    "function_arn",
    [
        arn(),
        arn("orders-import:live"),
        arn("orders_import:blue-green_2"),
        arn("orders-import:v1"),
        "arn:aws-cn:lambda:cn-north-1:123456789012:function:f",
        "arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:f:prod",
    ],
)
def test_a_function_is_named_by_its_arn_with_or_without_an_alias(function_arn: str) -> None:
    check(function_arn)


@pytest.mark.parametrize(
    "function_arn",
    [
        "",
        "orders-import",
        "123456789012:function:orders-import",
        arn(account="12345"),
        arn(account="*"),
        arn("orders-*"),
        arn("orders import"),
        arn("a" * 65),
        arn("f:a:b"),
        arn("f:"),
        arn("f\n"),
        f" {arn()}",
        arn().replace(":function:", ":layer:"),
        arn().replace(":lambda:", ":states:"),
        arn().replace("arn:aws:", "arn:evil:"),
        arn().upper(),
    ],
)
def test_what_is_no_arn_of_a_function_is_refused(function_arn: str) -> None:
    with pytest.raises(
        InvalidRequest, match="must be the ARN of a Lambda function, with or without an alias"
    ) as refused:
        check(function_arn)
    assert refused.value.field == "functionArn"


@pytest.mark.parametrize("version", ["1", "42", "$LATEST"])
def test_a_version_is_no_current_code(version: str) -> None:
    with pytest.raises(InvalidRequest, match="or an alias of it, not a version"):
        check(arn(f"orders-import:{version}"))


def test_what_the_workspace_may_not_invoke_is_refused_before_lambda_is_asked() -> None:
    class SilentCatalogue:
        def timeout_seconds(self, function_arn: str) -> int | None:
            raise AssertionError(function_arn)

    with pytest.raises(InvalidRequest, match="is not a function that this workspace may invoke"):
        check_function_arn(arn(), workspace=WORKSPACE, allowed=invokable(), catalogue=SilentCatalogue())


def test_a_function_that_cannot_be_seen_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="names no function that this service can see"):
        check(arn(), timeout=None)


def test_a_function_must_end_before_its_executor() -> None:
    check(arn(), timeout=840)
    with pytest.raises(InvalidRequest, match="has a timeout of 841 s; 840 s is the most that can be awaited"):
        check(arn(), timeout=841)


def test_an_arn_without_its_alias_is_the_functions() -> None:
    assert base_arn(FUNCTION_ARN) == base_arn(f"{FUNCTION_ARN}:live") == FUNCTION_ARN


def test_a_function_and_a_trigger_are_shown_in_camel_case() -> None:
    assert as_shown(a_function())["functionArn"] == FUNCTION_ARN
    shown = as_shown(ShownTrigger(a_trigger(), {"region": "eu"}))
    assert (shown["executionType"], shown["triggerMetadata"]) == ("on-demand", {"params": {"region": "eu"}})
    assert shown["createdAt"] == "2026-11-22T09:30:00.000Z"
