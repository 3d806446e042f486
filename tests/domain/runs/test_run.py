from datetime import timedelta
from uuid import UUID

import pytest

from handlers.domain.errors import InvalidRunId
from handlers.domain.ids import parse_id, parse_run_id
from handlers.domain.runs.due import pending_deadline
from handlers.domain.runs.run import FunctionRun
from tests.as_shown import as_shown
from tests.builders import NOW, RUN_ID, a_pin, a_rerun, a_run


def test_a_run_has_one_id_however_it_is_written() -> None:
    assert parse_run_id(RUN_ID.upper()) == RUN_ID


@pytest.mark.parametrize(
    "text",
    [
        "",
        "run-1",
        f"{{{RUN_ID}}}",
        f"urn:uuid:{RUN_ID}",
        RUN_ID.replace("-", ""),
        RUN_ID.replace("-", "", 1),
        f"{RUN_ID}\n",
        f" {RUN_ID}",
        f"{RUN_ID}0",
        RUN_ID.replace("0", "g", 1),
        RUN_ID.replace("4", "٤", 1),
        f"{RUN_ID}#RERUN",
        "../../etc/passwd",
    ],
)
def test_what_is_no_run_id_is_refused(text: str) -> None:
    with pytest.raises(InvalidRunId) as refused:
        parse_run_id(text)
    assert refused.value.message == "Invalid run ID."
    assert parse_id(text) is None


def test_the_python_reader_would_have_given_one_run_many_names() -> None:
    # Why there is a pattern of our own.
    assert UUID(f"{{{RUN_ID}}}") == UUID(f"urn:uuid:{RUN_ID}") == UUID(RUN_ID)


def test_a_shown_run_speaks_camel_case_and_iso_time() -> None:
    shown = as_shown(a_run(status="failure", error_code="KeyError", error_source="function"))
    assert shown["createdAt"] == "2026-11-22T09:30:00.000Z"
    assert shown["endedAt"] == "2026-11-22T09:30:02.000Z"
    assert (shown["status"], shown["errorCode"], shown["durationMs"]) == ("failure", "KeyError", 2000)
    assert (shown["triggerType"], shown["executionSource"], shown["errorSource"]) == (
        "on-demand",
        "trigger",
        "function",
    )
    assert (shown["functionVersion"], shown["functionCodeHash"]) == ("7", "hash-of-7")


def test_a_run_that_knows_no_code_yet_shows_null() -> None:
    shown = as_shown(a_run(status="pending"))
    assert (shown["functionVersionArn"], shown["functionVersion"], shown["functionCodeHash"]) == (None, None, None)


def test_every_run_shows_the_same_fields() -> None:
    original = a_run(status="pending")
    assert as_shown(original).keys() == as_shown(a_rerun(original)).keys()


def test_a_shown_run_keeps_its_workings_to_itself() -> None:
    shown = as_shown(a_run(status="running", event_pending=True, postponements=3))
    workings = {"claimToken", "deadline", "eventPending", "postponements", "expiresAt", "pin", "timeoutSeconds"}
    assert not shown.keys() & workings


def test_a_run_is_changed_by_copy() -> None:
    before = a_run(status="pending")
    after = before.evolve(status="running", pin=a_pin(8))
    assert (before.status, before.pin) == ("pending", None)
    assert (after.status, after.pin) == ("running", a_pin(8))


def test_a_run_survives_being_written() -> None:
    run = a_rerun(a_run(), status="running", rerun_reason="why")
    assert FunctionRun.model_validate(run.model_dump(mode="json", by_alias=True)) == run


def test_a_lineage_is_named_after_its_original() -> None:
    original = a_run()
    assert original.lineage_id == original.id
    assert a_rerun(original).lineage_id == original.id


@pytest.mark.parametrize(("postponements", "seconds"), [(0, 60), (1, 120), (3, 480), (4, 900), (10_000, 900)])
def test_a_pending_run_is_looked_after_more_and_more_rarely(postponements: int, seconds: int) -> None:
    assert pending_deadline(NOW, postponements) - NOW == timedelta(seconds=seconds)
