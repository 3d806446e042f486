"""How plans, batches and error groups look: documents in the shapes of the API, in states that are hard to reach."""

from typing import Any

import pytest
from fnrun.batching.batches import print_batch, print_batches
from fnrun.batching.plans import print_plan
from fnrun.batching.watching import check_end
from fnrun.errors import CommandError, Exit
from fnrun.grouping.groups import note_after_resolving, note_next_step, print_group, print_groups
from fnrun.grouping.sparkline import Window
from fnrun.output.console import stdout
from fnrun.shared import begin_invocation, invocation

BATCH, GROUP, OTHER = "7c0e8400-e29b-41d4-a716-446655440000", "1a2b3c4d" * 4, "f0e1d2c3" * 4
FUNCTIONS, GROUPS = {"f-1": "orders"}, {GROUP: "OrderInvalid in orders"}
SETTINGS: dict[str, Any] = {
    "canary": {"count": 5},
    "pace": {"startPerSecond": 5, "maxPerSecond": 10, "doubleEverySeconds": 30},
    "stopWhen": {"sameErrorGroup": True, "failureRate": None, "failures": None},
}
PLAN: dict[str, Any] = SETTINGS | {
    "sources": 400,
    "isSample": False,
    "expectedSources": 400,
    "expectedCapped": False,
    "byFunction": [{"functionId": "f-1", "count": 396}, {"functionId": "f-2", "count": 4}],
    "byErrorGroup": [{"errorGroupId": GROUP, "count": 399}, {"errorGroupId": None, "count": 1}],
    "wouldStart": 396,
    "skipped": {"recovered": 3, "open": 0, "limit": 0},
    "refused": {"NO_PARAMETERS": 1},
    "executionsPerRerun": 3,
    "estimatedSeconds": 118,
}
PROGRESS: dict[str, Any] = {
    "selected": 110,
    "started": 104,
    "running": 20,
    "completed": 80,
    "failed": 4,
    "cancelled": 0,
    "failedByGroup": [{"errorGroupId": GROUP, "count": 3}, {"errorGroupId": OTHER, "count": 1}],
    "refused": {"NO_PARAMETERS": 1},
    "skipped": {"recovered": 5, "open": 0, "limit": 0},
    "selectionComplete": False,
    "expectedSources": 400,
    "expectedCapped": False,
}
VIEW: dict[str, Any] = SETTINGS | {
    "batchId": BATCH,
    "state": "running",
    "stopReason": None,
    "startedBy": "alice",
    "reason": "payments down",
    "createdAt": "2026-11-26T12:00:00.000Z",
    "notBefore": None,
    "endedAt": None,
    "estimatedEndAt": "2026-11-26T12:03:00.000Z",
    "filter": {"errorGroupId": GROUP},
    "runIdCount": None,
    "useLatestCode": True,
    "functionVersion": None,
    "effects": "new",
    "hasOverrides": False,
    "progress": PROGRESS,
}
ERROR: dict[str, Any] = {
    "errorGroupId": GROUP,
    "functionId": "f-1",
    "errorCode": "OrderInvalid",
    "errorSource": "function",
    "state": "open",
    "version": 1,
    "firstSeenAt": "2026-11-25T12:00:00.000Z",
    "lastSeenAt": "2026-11-26T12:10:00.000Z",
    "openedAt": "2026-11-26T11:00:00.000Z",
    "reopenedCount": 0,
    "resolvedInVersion": None,
    "changedBy": None,
    "changedAt": None,
    "functionVersions": ["7", "8"],
    "failureCount": 1_200,
    "unrecoveredCount": 200,
    "countsCapped": False,
    "hours": [{"hour": "2026-11-26T12:00:00.000Z", "failures": 1_200}],
    "sampleRunId": "r-1",
}
SINCE = "2026-11-26T10:00:00.000Z"
WINDOW = Window(SINCE, "2026-11-26T12:30:00.000Z")
Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def in_utc() -> None:
    begin_invocation()
    invocation().utc = True


def test_a_plan_says_how_many_which_not_and_how(capsys: Captured) -> None:
    print_plan(
        stdout(), PLAN, {"use_latest_code": True, "override_params": {"a": 1, "b": {"c": {}}}}, FUNCTIONS, GROUPS
    )
    assert capsys.readouterr().out.splitlines() == [
        "Plan of a batch of re-runs",
        "  found      400 failed runs",
        "  re-runs    396, executed at most 1,188 times with their automatic retries",
        "  skipped    recovered already 3",
        "  refused    NO_PARAMETERS 1",
        "  code       today's (--latest)",
        "  overrides  a, b.c",
        "  canary     5 first; the others once these have ended well",
        "  pace       5 a second, doubled every 30 s up to 10",
        "  stops if   the same error comes back; more than half of the canary fail, or later a fifth",
        "  effects    new: whatever the functions do is done again",
        "  takes      about 1 min 58 s, if nothing stops it",
        "",
        "  FUNCTION  RUNS",
        "  orders    396",
        "  f-2       4",
        "",
        "  ERROR GROUP                       RUNS",
        "  1a2b3c4d  OrderInvalid in orders  399",
        "  in another group, or in none      1",
    ]


def test_a_plan_of_more_than_it_has_looked_at_says_so(capsys: Captured) -> None:
    sampled = {"sources": 1_000, "isSample": True, "expectedSources": 10_000, "expectedCapped": True}
    print_plan(stdout(), PLAN | sampled | {"executionsPerRerun": 1}, {"effects": "same"}, {}, {})
    printed = capsys.readouterr().out
    assert "more than 10,000 failed runs; what follows is about the newest 1,000\n" in printed
    assert "  re-runs   396\n" in printed
    assert "same: what the runs have done is not done again" in printed
    assert "code      that of each run" in printed


def test_a_batch_is_shown_with_what_has_become_of_it(capsys: Captured) -> None:
    print_batch(VIEW, FUNCTIONS, GROUPS)
    lines = capsys.readouterr().out.splitlines()
    for line in (
        "started     2026-11-26 12:00:00 by alice",
        "re-runs     error group 1a2b3c4d",
        "done        90 of about 400: completed 80, failed 4, running 20, skipped 5, refused 1",
        "ends about  2026-11-26 12:03:00",
        "3       1a2b3c4d  OrderInvalid in orders",
        "1       f0e1d2c3",
    ):
        assert line in lines


def test_batches_are_listed_a_row_each(capsys: Captured) -> None:
    assert print_batches([VIEW, VIEW | {"state": "paused", "reason": "a\x1b[31mb"}]) == 2
    header, first, second = capsys.readouterr().out.splitlines()
    assert header.split() == ["ID", "STATE", "STARTED", "BY", "DONE", "OF", "FAILED", "REASON"]
    assert first == f"{BATCH}  running  2026-11-26 12:00:00  alice  90    about 400  4       payments down"
    assert second.endswith("a\\u001b[31mb")


ALL_WELL = PROGRESS | {"failed": 0, "refused": {}, "running": 0}


@pytest.mark.parametrize(
    ("changes", "code", "said", "next_step"),
    [
        (
            {"state": "stopped", "stopReason": {"rule": "sameErrorGroup", "errorGroupId": GROUP, "runId": "r-2"}},
            Exit.STOPPED,
            "The batch has stopped itself: the error of the runs that it repeats came back (OrderInvalid in orders,",
            f"1a2b3c4d --frames; once the code is fixed, or what it calls is up again: fnrun batch resume {BATCH}",
        ),
        (
            {"state": "stopped", "useLatestCode": False, "stopReason": {"rule": "failureRate"}},
            Exit.STOPPED,
            "too many re-runs failed, most with OrderInvalid in orders (group 1a2b3c4d); 3 of 5 had failed",
            f"if what it calls is up again: fnrun batch resume {BATCH}; if the code was fixed: fnrun batch cancel ",
        ),
        ({"state": "cancelled"}, Exit.NOT_WELL, "was cancelled, 90 of about 400", f"fnrun batch show {BATCH}"),
        ({"state": "completed"}, Exit.NOT_WELL, "4 re-runs of this batch failed, 90 of", "--status failure"),
        (
            {"state": "completed", "progress": ALL_WELL | {"skipped": {"limit": 1}}},
            Exit.NOT_WELL,
            "Not all were re-run",
            f"fnrun batch show {BATCH}",
        ),
    ],
)
def test_any_end_but_a_good_one_is_said(changes: dict[str, Any], code: Exit, said: str, next_step: str) -> None:
    if changes.get("stopReason"):
        changes["stopReason"] = {"errorGroupId": None, "runId": None, "failed": 3, "ended": 5} | changes["stopReason"]
    with pytest.raises(CommandError) as ended:
        check_end(VIEW | changes, GROUPS)
    assert ended.value.exit_code is code
    assert said in ended.value.message
    assert next_step in ended.value.next_step


def test_a_good_end_needs_no_words() -> None:
    check_end(VIEW | {"state": "completed", "progress": ALL_WELL}, {})


def test_error_groups_are_listed_with_their_hours(capsys: Captured) -> None:
    resolved = ERROR | {"state": "resolved", "countsCapped": True, "unrecoveredCount": 0}
    assert print_groups([ERROR, resolved], FUNCTIONS, WINDOW) == 2
    header, first, second = capsys.readouterr().out.splitlines()
    assert header.split("  ")[-1] == "BY HOUR"
    assert first.split() == [
        "1a2b3c4d",
        "open",
        "orders",
        "OrderInvalid",
        "1,200",
        "200",
        "2026-11-26",
        "12:10:00",
        "··█",
    ]
    assert second.split()[4:6] == ["1,200+", "0"]


def test_one_is_shown_with_who_has_said_what_of_it_and_its_frames(capsys: Captured) -> None:
    changed = {
        "state": "resolved",
        "resolvedInVersion": "8",
        "changedBy": "alice",
        "changedAt": "2026-11-26T12:20:00.000Z",
        "reopenedCount": 2,
        "frames": ["handler", "average"],
    }
    print_group(ERROR | changed, FUNCTIONS, WINDOW, since=SINCE, with_frames=True)
    lines = capsys.readouterr().out.splitlines()
    for line in (
        f"group          {GROUP}",
        "state          resolved in version 8 by alice, 2026-11-26 12:20:00",
        "error          OrderInvalid (reported by the function)",
        "function       orders (f-1)",
        "versions       7, 8",
        "reopened       2 times, last 2026-11-26 11:00:00",
        "failures       1,200 since 2026-11-26 10:00:00",
        "not recovered  200",
        "by hour        ··█",
    ):
        assert line in lines
    assert lines[-3:] == ["frames, the innermost first", "handler", "average"]
    print_group(ERROR | {"frames": None}, {}, WINDOW, since=SINCE, with_frames=True)
    assert capsys.readouterr().out.splitlines()[-1] == "none are kept"


def test_what_a_failure_has_opened_again_names_nobody(capsys: Captured) -> None:
    changed = {"changedBy": "alice", "changedAt": "2026-11-26T10:59:00.000Z", "reopenedCount": 1}
    print_group(ERROR | changed, FUNCTIONS, WINDOW, since=SINCE, with_frames=False)
    printed = capsys.readouterr().out
    assert "state          open, opened again by a failure\n" in printed
    assert "reopened       once, last 2026-11-26 11:00:00\n" in printed
    print_group(ERROR | changed | {"changedAt": "2026-11-26T11:01:00.000Z"}, {}, WINDOW, since=SINCE, with_frames=False)
    assert "state          open by alice, 2026-11-26 11:01:00\n" in capsys.readouterr().out


def test_what_is_resolved_says_what_is_left(capsys: Captured) -> None:
    note_after_resolving(ERROR | {"state": "resolved", "resolvedInVersion": "9", "unrecoveredCount": 0})
    assert capsys.readouterr().err == ""
    note_after_resolving(ERROR | {"state": "resolved", "resolvedInVersion": "11"})
    assert capsys.readouterr().err.splitlines() == [
        "The newest version that failed so is 8: before version 11, no failure opens it again.",
        "200 runs of it are not recovered. Next: fnrun batch start --group 1a2b3c4d --reason WHY --plan",
    ]


def test_what_is_open_says_what_to_do_next(capsys: Captured) -> None:
    note_next_step(ERROR | {"state": "ignored"})
    note_next_step(ERROR | {"unrecoveredCount": 0})
    assert capsys.readouterr().err == ""
    note_next_step(ERROR)
    assert "fnrun batch start --group 1a2b3c4d --reason WHY --plan" in capsys.readouterr().err
