from collections.abc import Callable
from typing import Any

import pytest

from handlers.api_rerun import LambdaTestEvent
from handlers.domain.errors import InvalidRequest
from handlers.domain.registry.functions import ChangeFunction, RegisterFunction
from handlers.domain.registry.retry_policy import RetryPolicy
from handlers.domain.registry.triggers import ChangeTrigger, CreateTrigger
from handlers.domain.requests import Body
from handlers.domain.starting.execute_trigger import ExecuteBody
from handlers.domain.starting.experiments import ExperimentBody
from handlers.domain.starting.idempotency import request_key
from handlers.domain.starting.rerun import RerunBody


def test_all_fields_of_a_rerun_are_optional() -> None:
    request = RerunBody.read({})
    assert (request.use_latest_code, request.reason, request.override_params) == (False, None, None)


def test_the_contract_s_own_example_is_read() -> None:
    request = RerunBody.read(
        {"useLatestCode": False, "reason": "Retrying after bug fix", "overrideParams": {"customParam": "new value"}}
    )
    assert request.reason == "Retrying after bug fix"
    assert request.override_params == {"customParam": "new value"}


def test_a_reason_may_have_512_characters_of_any_kind() -> None:
    assert RerunBody.read({"reason": "é" * 512}).reason == "é" * 512
    assert RerunBody.read({"reason": ""}).reason == ""


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"useLatestCode": "true"}, "useLatestCode"),
        ({"useLatestCode": 1}, "useLatestCode"),
        ({"useLatestCode": None}, "useLatestCode"),
        ({"reason": None}, "reason"),
        ({"overrideParams": None}, "overrideParams"),
        ({"reason": 5}, "reason"),
        ({"reason": "x" * 513}, "reason"),
        ({"reason": "\ud800"}, "reason"),
        ({"overrideParams": []}, "overrideParams"),
        ({"overrideParams": "{}"}, "overrideParams"),
        ({"use_latest_code": True}, "use_latest_code"),
        ({"userLatestCode": True}, "userLatestCode"),
    ],
)
def test_a_rerun_s_flaw_is_named_by_its_field(body: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        RerunBody.read(body)
    assert refused.value.field == field
    assert refused.value.message.startswith(f"{field}: ")


@pytest.mark.parametrize(
    ("kind", "body", "message"),
    [
        (RerunBody, {"extra": 1}, "extra: is not a field of this request."),
        (RegisterFunction, {"name": "x"}, "functionArn: is required."),
        (RegisterFunction, {"name": "", "functionArn": "x"}, "name: must have at least 1 character."),
        (ExecuteBody, {"payload": None}, "payload: must not be null: leave it out."),
        (ExecuteBody, {"orchestrationId": ""}, "orchestrationId: must have at least 1 character."),
        (
            CreateTrigger,
            {"name": "x", "functionId": "y", "executionType": "on-demand", "triggerMetadata": []},
            "triggerMetadata: must be a JSON object.",
        ),
    ],
)
def test_a_flaw_is_told_in_a_sentence(kind: type[Body], body: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        kind.read(body)
    assert refused.value.message == message


@pytest.mark.parametrize(
    "body", [{"useLatestCode": "s3cret"}, {"overrideParams": ["s3cret"]}, {"reason": ["s3cret"]}, {"x": "s3cret"}]
)
def test_what_was_sent_is_never_quoted(body: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest) as refused:
        RerunBody.read(body)
    assert "s3cret" not in str(refused.value)
    assert refused.value.__cause__ is None


BLANK = [
    *(
        " ",
        "\t",
        "   ",
        "\u00a0",
        "\u2003\u3000",
        "\u2028",
        "\u200b",
        "\u200e",
        "\u202e\u2066 \u2069",
        "\ufeff",
        "\u00ad",
    ),
    *(
        "\u061c",
        "\u180e",
        "\u2060",
        "\U000e0001",
        "\ue000",
        "\ufe0f",
        "\u0301",
        "\u3164",
        "\u2800",
        "\u115f\u1160\uffa0",
    ),
]
SEEN = ["x", " x ", "שלום\u200f", "हिन्दी", "e\u0301", "👩\u200d🚀", "-", "。", "٣", "名"]


def reading_of_names(name: str) -> list[tuple[Callable[[], Body], str]]:
    arn = "arn:aws:lambda:eu-west-1:123456789012:function:f"
    return [
        (lambda: RegisterFunction.read({"name": name, "functionArn": arn}), "name"),
        (lambda: ChangeFunction.read({"name": name}), "name"),
        (lambda: CreateTrigger.read({"name": name, "functionId": "f", "executionType": "on-demand"}), "name"),
        (lambda: ChangeTrigger.read({"name": name}), "name"),
        (lambda: ExecuteBody.read({"orchestrationId": name}), "orchestrationId"),
        (lambda: LambdaTestEvent.read({"workspace": "acme", "runId": "r", "rerunBy": name}), "rerunBy"),
    ]


@pytest.mark.parametrize("name", BLANK, ids=ascii)
def test_a_name_of_which_nothing_is_seen_is_blank(name: str) -> None:
    for read, field in reading_of_names(name):
        with pytest.raises(InvalidRequest) as refused:
            read()
        assert refused.value.field == field


@pytest.mark.parametrize("name", SEEN, ids=ascii)
def test_a_name_of_which_something_is_seen_is_one_in_any_script(name: str) -> None:
    for read, _ in reading_of_names(name):
        read()


def test_a_blank_name_is_called_so() -> None:
    with pytest.raises(InvalidRequest, match=r"^name: must not be blank\.$"):
        ChangeTrigger.read({"name": "\u200e"})


SAME_RERUNS: list[list[dict[str, Any]]] = [
    [{}, {"useLatestCode": False}, {"overrideParams": {}}, {"reason": ""}, {"overrideParams": {}, "reason": ""}],
    [{"reason": "x"}, {"reason": "x", "useLatestCode": False, "overrideParams": {}}],
    [{"overrideParams": {"a": 1, "b": {}}}, {"overrideParams": {"b": {}, "a": 1}}],
    [{"overrideParams": {"a": {}}}],
    [{"overrideParams": {"a": 1.0}}],
    [{"useLatestCode": True}, {"useLatestCode": True, "overrideParams": {}}],
    [
        {"notBefore": "2026-12-24T18:00:00Z"},
        {"notBefore": "2026-12-24t18:00z"},
        {"notBefore": "2026-12-24T19:00:00.0001+01:00"},
    ],
    [{"notBefore": "2026-12-24T18:00:00.001Z"}],
]


def test_requests_that_ask_for_the_same_have_one_form_however_they_are_written() -> None:
    def digest(body: dict[str, Any]) -> bytes:
        key = request_key("k", "acme", "caller:alice", RerunBody.read(body).normal_form())
        assert key is not None
        return key.digest

    digests = [{digest(body) for body in same} for same in SAME_RERUNS]
    assert [len(each) for each in digests] == [1] * len(SAME_RERUNS)
    assert len(set().union(*digests)) == len(SAME_RERUNS)


def test_a_request_repeated_across_an_upgrade_has_the_form_that_it_had() -> None:
    """Of the fields of the first release all, of others those that ask for something."""
    first_release = {"use_latest_code": False, "reason": "x", "override_params": None, "not_before": None}
    assert RerunBody.read({"reason": "x"}).normal_form() == first_release
    assert RerunBody.read({"reason": "x", "effects": "new", "ifNotRecovered": False}).normal_form() == first_release
    assert RerunBody.read({"reason": "x", "effects": "same"}).normal_form() == first_release | {"effects": "same"}


@pytest.mark.parametrize("name", ["x" * 100_000, "\ud800"])
def test_a_refusal_can_always_be_answered(name: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        RerunBody.read({name: 1})
    assert len(refused.value.message.encode()) < 500


POINTER = "must be a JSON Pointer, like /orderId or /items/*/createdAt."
VERSION = "must be latest, or the number of a version, like 8."


@pytest.mark.parametrize(
    ("read", "field", "problem"),
    [
        (lambda: ExperimentBody.read({"candidateVersion": "v1"}), "candidateVersion", VERSION),
        (lambda: ExperimentBody.read({"candidateVersion": "$LATEST"}), "candidateVersion", VERSION),
        (lambda: ExperimentBody.read({"ignore": ["x"]}), "ignore.0", POINTER),
        (lambda: ExperimentBody.read({"ignore": [""]}), "ignore.0", POINTER),
        (lambda: ExperimentBody.read({"ignore": ["/x"] * 51}), "ignore", "must have at most 50 items, not 51."),
        (
            lambda: RegisterFunction.read({"name": "a\tb", "functionArn": "x"}),
            "name",
            "must not hold control characters.",
        ),
        (
            lambda: RetryPolicy.read({"maxRetries": 1, "nonRetryableErrors": ["a b"]}),
            "nonRetryableErrors.0",
            "must be the name of an error, without spaces.",
        ),
    ],
)
def test_what_does_not_match_is_answered_by_what_would(read: Any, field: str, problem: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read()
    assert str(refused.value) == f"{field}: {problem}"
