"""The run's item is one write unit in every state, and says all that the run is."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.aws import run_attributes, run_items
from handlers.aws.table import size_of, to_item
from handlers.domain.runs.run import FunctionRun, Pin
from tests.builders import NOW, a_rerun, a_run, an_id

ARN = f"arn:aws-us-gov:lambda:us-gov-east-1:123456789012:function:{'f' * 64}"
HASH = "A" * 43 + "="
GROUP = "0f" * 16
PIN = Pin(
    function_version_arn=f"{ARN}:1234567",
    function_version="1234567",
    function_code_hash=HASH,
    timeout_seconds=840,
    config_hash=HASH,
)
LONGEST: dict[str, Any] = {
    "workspace": "w" * 63,
    "function_arn": f"{ARN}:{'a' * 128}",
    "trigger_type": "event-driven",
    "source_run_id": an_id(2),
    "not_before": NOW + timedelta(days=30),
    "retriable": True,
    "retry_attempt": 10,  # then it is pinned, and not of the latest code
    "parameters_format": "raw",
    "execution_attempts": 3,
    "postponements": 200,
    "rerun_count": 1000,
    "cancel_requested_at": NOW,
    "revision": "r" * 8,
    "planned_code": "A" * 22 + "==",
    "effect_key": an_id(3),
    "batch_id": an_id(5),
    "erased_at": NOW,
}
TEXTS = {"rerun_by": "b" * 255, "rerun_reason": "€" * 512, "cancel_requested_by": "c" * 255}
# So long are names in which a run is one write unit in every state, whatever else is written to it.
ROOMY = {"workspace": "w" * 20, "function_arn": f"{ARN}:{'a' * 32}", "cancel_requested_by": "c" * 40}
ENDED = {"started_at": NOW, "ended_at": NOW, "duration_ms": 10**7, "outcome_id": "o" * 8, "error_source": "function"}
# The names of what a run has to wait for are AWS's and ours, not a function's.
WAITING = {
    "error_code": "w" * 40,
    "error_source": "service",
    "waits_until": NOW,
    "redelivered_at": NOW,
    "staged": True,
}
STATES: dict[str, dict[str, Any]] = {
    "pending": {**WAITING, "status": "pending"},
    "pending, pinned": {**WAITING, "status": "pending", "pin": PIN},
    "running": {**WAITING, "status": "running", "pin": PIN, "claim_token": "c" * 8, "started_at": NOW},
    "completed": {**ENDED, "status": "completed", "pin": PIN, "event_pending": True, "result_omitted": True},
    "failed": {
        **ENDED,
        "status": "failure",
        "pin": PIN,
        "event_pending": True,
        "error_code": "e" * 128,
        "error_group_id": GROUP,
    },
    "published": {
        **ENDED,
        "status": "timeout",
        "pin": PIN,
        "deadline": None,
        "error_code": "e" * 128,
        "error_group_id": GROUP,
    },
    "cancelled": {**ENDED, "status": "cancelled", "pin": PIN, "event_pending": True},
}


def the_longest(state: str, **changes: Any) -> FunctionRun:
    return a_rerun(a_run(), **LONGEST | {"deadline": NOW} | STATES[state] | changes)


def original(run: FunctionRun) -> FunctionRun:
    of_reruns = (
        "original_run_id",
        "source_run_id",
        "rerun_by",
        "rerun_reason",
        "retry_attempt",
        "planned_code",
        "batch_id",
    )
    return run.evolve(is_rerun=False, recovered_by=an_id(4), **dict.fromkeys((*of_reruns, "effect_key")))


def size(run: FunctionRun) -> int:
    """With all that other steps will write to it."""
    return size_of(to_item(run_items.of_run(run)))


@pytest.mark.parametrize("state", STATES)
def test_a_run_is_one_write_unit_in_every_state_and_two_with_the_longest_of_all_names(state: str) -> None:
    recorded = the_longest("pending", pin=None, status="pending", **TEXTS)
    assert run_items.needs_notes(recorded)
    longest = the_longest(state, **TEXTS, notes_apart=True)
    roomy = longest.evolve(**ROOMY, error_code=longest.error_code and longest.error_code[:80])
    for run, units in ((roomy, 1), (longest, 2)):
        assert max(size(run), size(original(run))) <= units * run_items.MAX_RUN_BYTES


@pytest.mark.parametrize("state", STATES)
@given(
    workspace=st.integers(1, 63),
    alias=st.integers(0, 128),
    reason=st.text(st.characters(codec="utf-8"), max_size=512),
    by=st.integers(1, 255),
)
def test_texts_stand_in_the_run_only_where_it_stays_one_write_unit(
    state: str, workspace: int, alias: int, reason: str, by: int
) -> None:
    lengths = {"workspace": "w" * workspace, "function_arn": f"{ARN}:{'a' * alias}", "rerun_by": "b" * by}
    pending = the_longest("pending", **lengths, rerun_reason=reason, cancel_requested_at=None)
    later = the_longest(state, **lengths, rerun_reason=reason, cancel_requested_by="c" * 40)
    assert run_items.needs_notes(pending) or size(later) <= run_items.MAX_RUN_BYTES


def test_an_ordinary_run_has_its_texts_beside_the_rest() -> None:
    reason = "Testing fix for edge case with the stickers that cost nothing, see the incident of last Tuesday"
    run = a_rerun(a_run(), status="pending", rerun_by=an_id(7), rerun_reason=reason)
    assert not run_items.needs_notes(run)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("apart", [False, True])
def test_a_run_is_read_as_it_was_written(state: str, *, apart: bool) -> None:
    run = the_longest(state, **TEXTS, notes_apart=apart)
    notes = to_item(run_items.of_notes(run)) if apart else None
    assert run_items.to_run(to_item(run_items.of_run(run)), notes) == run
    assert run_items.to_run(to_item(run_items.of_run(a_run())), None) == a_run()


def test_a_version_of_another_function_and_a_hash_that_is_none_are_kept_as_they_are() -> None:
    pin = PIN.evolve(function_version_arn="arn:aws:lambda:eu-west-1:1:function:other:7", function_code_hash="no base64")
    run = a_run(pin=pin)
    assert run_items.to_run(to_item(run_items.of_run(run))).pin == pin


def test_every_field_of_a_run_stands_somewhere_and_under_a_name_of_its_own() -> None:
    told = {
        "id",
        "workspace",
        "function_id",
        "created_at",
        "rerun_count",
        "expires_at",
        "is_rerun",
        "pin",
        "error_group_id",
        "batch_id",
    }
    assert {*run_attributes.FIELDS, *run_attributes.NOTES} | told == set(FunctionRun.model_fields)
    assert set(run_attributes.PIN) == set(Pin.model_fields)
    tables = (run_attributes.FIELDS, run_attributes.PIN, run_attributes.NOTES)
    names = [name for table in tables for name, _ in table.values()]
    assert len(names) == len(set(names))
    assert not set(names) & {"pk", "sk", "reruns", "expiresAt", "ptl", "schema"}
