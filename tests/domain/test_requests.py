from typing import Any

import pytest

from handlers.domain.errors import InvalidRequest
from handlers.domain.registry.functions import RegisterFunction
from handlers.domain.registry.triggers import CreateTrigger
from handlers.domain.requests import Body
from handlers.domain.starting.execute_trigger import ExecuteBody
from handlers.domain.starting.rerun import RerunBody


def test_all_fields_of_a_rerun_are_optional() -> None:
    asked = RerunBody.read({})
    assert (asked.use_latest_code, asked.reason, asked.override_params) == (False, None, None)


def test_the_contract_s_own_example_is_read() -> None:
    asked = RerunBody.read(
        {"useLatestCode": False, "reason": "Retrying after bug fix", "overrideParams": {"customParam": "new value"}}
    )
    assert asked.reason == "Retrying after bug fix"
    assert asked.override_params == {"customParam": "new value"}


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


@pytest.mark.parametrize("name", ["x" * 100_000, "\ud800"])
def test_a_refusal_can_always_be_answered(name: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        RerunBody.read({name: 1})
    assert len(refused.value.message.encode()) < 500
