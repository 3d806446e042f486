"""The books find what they are kept for: each broken promise in a table that someone has tampered with."""

from collections import Counter
from typing import Any

import pytest

from tests.chaos.books import Books, Run, Table
from tests.chaos.load import Promise

START = Promise("start", "completed", "calm")
RERUN = Promise("rerun", "failure", "calm", "start")


def a_run(**changes: Any) -> Run:
    return {"status": "completed", "executionAttempts": 1, "rerunCount": 0, **changes}


def books(
    *,
    start: dict[str, Any] | None = None,
    rerun: dict[str, Any] | None = None,
    without: str = "",
    executions: dict[str, int] | None = None,
    edges: dict[str, list[str]] | None = None,
    told: dict[str, int] | None = None,
) -> Books:
    """A start and its re-run, all in order, but for what is said."""
    runs = {
        "start": a_run(**{"rerunCount": 1, **(start or {})}),
        "rerun": a_run(**{"status": "failure", "originalRunId": "start", **(rerun or {})}),
    }
    return Books(
        [START, RERUN],
        Counter({"start": 1, "rerun": 1, **(executions or {})}),
        Table({run: stored for run, stored in runs.items() if run != without}, edges or {"start": ["rerun"]}),
        Counter({"start": 1, "rerun": 1, **(told or {})}),
    )


def test_books_in_order_have_no_findings() -> None:
    assert books().findings() == []


def test_an_execution_that_is_repeated_and_recorded_is_a_figure_and_no_finding() -> None:
    repeated = books(start={"executionAttempts": 2}, executions={"start": 2}, told={"start": 2})
    assert repeated.findings() == []
    assert repeated.figures()["runs executed more than once"] == 1
    assert repeated.figures()["ends told more than once"] == 1


def test_a_run_whose_outcome_was_lost_three_times_may_fail() -> None:
    lost = {"status": "failure", "errorCode": "ExecutionLost", "executionAttempts": 3}
    assert books(start=lost, executions={"start": 2}).findings() == []


@pytest.mark.parametrize(
    ("tampered", "found"),
    [
        (books(without="rerun"), ["lost", "executed unrecorded", "miscounted"]),
        (books(start={"status": "running"}), ["forgotten"]),
        (books(start={"status": "failure", "errorCode": "AccessDenied"}), ["ended wrongly"]),
        (books(rerun={"originalRunId": "another"}), ["led astray", "miscounted"]),
        (books(executions={"start": 2}), ["executed unrecorded"]),
        (books(executions={"unheard-of": 1}), ["executed unrecorded"]),
        (books(executions={"start": 0}), ["invented"]),
        (books(start={"eventPending": True}), ["unsettled"]),
        (books(start={"deadline": "2026-11-22T09:30:00.000Z"}), ["unsettled"]),
        (books(told={"rerun": 0}), ["untold"]),
        (books(start={"rerunCount": 2}), ["miscounted"]),
        (books(edges={"start": ["rerun", "rerun"]}), ["miscounted"]),
    ],
)
def test_what_is_wrong_is_found(tampered: Books, found: list[str]) -> None:
    assert [finding.partition(":")[0] for finding in tampered.findings()] == found


def test_one_run_promised_twice_is_found() -> None:
    twice = books()._replace(promises=[START, START, RERUN])
    assert [finding.partition(":")[0] for finding in twice.findings()] == ["promised twice"]
