"""The books find what they are kept for: each broken promise in a table that someone has tampered with."""

from collections import Counter
from typing import Any

import pytest

from tests.chaos.books import BatchPromise, Books, Run, Table
from tests.chaos.load import SOMEHOW, Promise

START = Promise("start", "completed", "calm")
RERUN = Promise("rerun", "failure", "calm", "start")


def a_run(**changes: Any) -> Run:
    usual = {"status": "completed", "executionSource": "trigger", "executionAttempts": 1, "rerunCount": 0}
    return usual | changes


def books(
    *,
    start: dict[str, Any] | None = None,
    rerun: dict[str, Any] | None = None,
    without: str = "",
    executions: dict[str, int] | None = None,
    edges: dict[str, list[str]] | None = None,
    published: dict[str, int] | None = None,
) -> Books:
    """A start and its re-run, all in order, but for what is said."""
    runs = {
        "start": a_run(**{"rerunCount": 1, **(start or {})}),
        "rerun": a_run(**{"status": "failure", "originalRunId": "start", **(rerun or {})}),
    }
    return Books(
        [START, RERUN],
        0,
        Counter({"start": 1, "rerun": 1, **(executions or {})}),
        Table({run: stored for run, stored in runs.items() if run != without}, edges or {"start": ["rerun"]}),
        Counter({"start": 1, "rerun": 1, **(published or {})}),
    )


def test_books_in_order_have_no_findings() -> None:
    assert books().findings() == []


def test_an_execution_that_is_repeated_and_recorded_is_a_figure_and_no_finding() -> None:
    repeated = books(start={"executionAttempts": 2}, executions={"start": 2}, published={"start": 2})
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
        (books(published={"rerun": 0}), ["untold"]),
        (books(start={"rerunCount": 2}), ["miscounted"]),
        (books(edges={"start": ["rerun", "rerun"]}), ["miscounted"]),
    ],
)
def test_what_is_wrong_is_found(tampered: Books, found: list[str]) -> None:
    assert kinds_of(tampered.findings()) == found


def kinds_of(findings: list[str]) -> list[str]:
    return [finding.partition(":")[0] for finding in findings]


def test_a_run_that_was_cancelled_in_time_has_no_other_end() -> None:
    cancelled = {"status": "cancelled", "executionAttempts": 0}
    promised = [START._replace(ends="cancelled"), RERUN]
    in_order = books(start=cancelled, executions={"start": 0})._replace(promises=promised)
    assert in_order.findings() == []
    assert kinds_of(books()._replace(promises=promised).findings()) == ["ended wrongly"]
    executed = books(start=cancelled)._replace(promises=promised)
    assert kinds_of(executed.findings()) == ["executed unrecorded"]


def test_a_run_whose_cancellation_may_have_come_late_may_have_any_end() -> None:
    promised = [START._replace(ends=SOMEHOW), RERUN]
    for status in ("completed", "cancelled"):
        assert books(start={"status": status})._replace(promises=promised).findings() == []
    assert kinds_of(books(start={"status": "pending"})._replace(promises=promised).findings()) == ["forgotten"]


def test_one_run_promised_twice_is_found() -> None:
    assert kinds_of(books()._replace(promises=[START, START, RERUN]).findings()) == ["promised twice"]


def test_a_run_that_was_promised_to_nobody_is_found_unless_a_request_was_given_up() -> None:
    unpromised = books()._replace(promises=[START])
    assert kinds_of(unpromised.findings()) == ["started twice"]
    assert unpromised._replace(unanswered=1).findings() == []


def a_retry(of: str, **changes: Any) -> dict[str, Any]:
    failed = {"status": "failure", "executionSource": "retry", "sourceRunId": of, "originalRunId": "start"}
    return dict(a_run(**failed)) | changes


def retried(**retries: dict[str, Any]) -> Books:
    """A start that fails and is retried once, with these retries."""
    runs = {"start": a_run(status="failure", rerunCount=len(retries)), **retries}
    once = Counter(dict.fromkeys(runs, 1))
    return Books([Promise("start", "failure", "calm", retries=1)], 0, once, Table(runs, {"start": [*retries]}), once)


def test_a_failure_is_retried_as_often_as_its_trigger_says() -> None:
    assert retried(first=a_retry("start")).findings() == []
    assert kinds_of(retried().findings()) == ["retried wrongly"]
    assert kinds_of(retried(first=a_retry("start"), second=a_retry("first")).findings()) == ["retried wrongly"]
    assert kinds_of(retried(first=a_retry("start"), again=a_retry("start")).findings()) == ["retried twice"]


def batched(*members: dict[str, Any], sources: frozenset[str] = frozenset({"start"}), **start: Any) -> Books:
    """A start that has failed, and a batch that has re-run it so."""
    runs = {
        "start": a_run(**{"status": "failure", "rerunCount": len(members), "recoveredBy": "member-0", **start}),
        **{f"member-{number}": a_run(**member) for number, member in enumerate(members)},
    }
    once = Counter(dict.fromkeys(runs, 1))
    table = Table(runs, {"start": [run_id for run_id in runs if run_id != "start"]})
    return Books([Promise("start", "failure", "calm")], 0, once, table, once, (BatchPromise("batch", sources),))


def a_member(**changes: Any) -> dict[str, Any]:
    lineage = {"originalRunId": "start", "sourceRunId": "start", "batchId": "batch", "executionSource": "rerun"}
    return lineage | changes


def test_a_batch_has_rerun_each_of_its_sources_once() -> None:
    assert batched(a_member()).findings() == []
    retried = a_member(executionSource="retry", sourceRunId="member-0")
    assert batched(a_member(status="failure"), retried).findings() == []
    assert kinds_of(batched(a_member(), a_member()).findings()) == ["not re-run once"]
    assert kinds_of(batched(a_member(), sources=frozenset()).findings()) == ["re-run unasked"]
    assert kinds_of(batched(recoveredBy=None).findings()) == ["not re-run once", "not recovered"]
    assert kinds_of(batched(a_member(), a_member(batchId="another")).findings()) == ["started twice"]
