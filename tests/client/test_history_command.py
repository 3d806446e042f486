"""`fnrun history`: the contract's tree, with what each re-run has changed."""

import json
from datetime import timedelta

import pytest
from fnrun.errors import Exit

from handlers.domain.runs.run import FunctionRun
from tests.builders import NOW, RUN_ID, a_pin, a_rerun, an_id
from tests.client.cli import Fnrun
from tests.client.failing import FAILED, PARAMETERS, a_failed_run
from tests.client.server import Api


def reran(api: Api, number: int, parameters: bytes = PARAMETERS, **changes: object) -> FunctionRun:
    original = api.world.runs.runs[FAILED]
    at = NOW + timedelta(minutes=number)
    return api.world.has_run(a_rerun(original, id=an_id(number), created_at=at, **changes), parameters)


def compared(api: Api) -> int:
    return sum(each.path.endswith("/compare") for each in api.requests)


def test_the_tree_is_the_contracts(as_alice: Fnrun, api: Api) -> None:
    a_failed_run(api)
    changed = PARAMETERS.replace(b"20", b"30").replace(b'"mode":"strict"', b'"note":"\\u001b[31m"')
    first = reran(api, 11, changed, rerun_reason="total was wrong")
    reran(
        api, 12, changed, source_run_id=first.id, use_latest_code=True, pin=a_pin(8), status="failure", error_code="E"
    )
    drawn = as_alice("history", first.id, "--utc")
    assert (drawn.code, drawn.stderr) == (Exit.DONE, "")
    assert drawn.stdout.splitlines() == [
        f"Original Run ({FAILED})  failure  OrderInvalid",
        "├── rerunCount: 2",
        "├── isRerun: false",
        "├── recovered: no",
        "└── ended: 2026-11-22 09:30:02",
        f"Re-run 1 ({first.id})  completed",
        "├── isRerun: true",
        f"├── originalRunId: {FAILED}",
        "├── rerunBy: user-123",
        "├── reason: total was wrong",
        "├── code: version 7, as its source",
        "├── parameters: /order/total  20 → 30",
        "├── parameters: /mode  removed",
        '├── parameters: /note  added "\\u001b[31m"',
        "└── ended: 2026-11-22 09:41:02",
        f"Re-run 2 ({an_id(12)})  failure  E",
        "├── isRerun: true",
        f"├── originalRunId: {FAILED}",
        f"├── sourceRunId: {first.id}",
        "├── rerunBy: user-123",
        "├── code: version 7 → 8, today's",
        "└── ended: 2026-11-22 09:42:02",
    ]


def test_a_run_without_re_runs_is_a_tree_too(as_alice: Fnrun) -> None:
    drawn = as_alice("history", RUN_ID)
    assert drawn.stdout.splitlines()[:3] == [
        f"Original Run ({RUN_ID})  completed",
        "├── rerunCount: 0",
        "├── isRerun: false",
    ]


def test_without_changes_no_content_is_asked_for(as_alice: Fnrun, api: Api) -> None:
    a_failed_run(api)
    reran(api, 11, b"{}")
    drawn = as_alice("history", FAILED, "--no-changes")
    assert "parameters" not in drawn.stdout
    assert not compared(api)


def test_without_the_grant_it_is_said_once_which_one_shows_more(
    as_alice: Fnrun, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_failed_run(api)
    for number in (11, 12, 13):
        reran(api, number, b"{}")
    monkeypatch.setenv("FNRUN_TOKEN", api.token("bob", "acme/function-runs:read"))
    drawn = as_alice("history", FAILED)
    assert (drawn.code, compared(api)) == (Exit.DONE, 1)
    assert drawn.stderr == "What the re-runs changed in the parameters needs the grant function-runs:reveal.\n"
    assert drawn.stdout.count("Re-run ") == 3


def test_of_a_big_lineage_the_newest_are_shown_and_fewer_are_looked_into(as_alice: Fnrun, api: Api) -> None:
    a_failed_run(api)
    for number in range(100, 160):
        reran(api, number)
    drawn = as_alice("history", FAILED)
    assert compared(api) == 20
    assert "… 10 earlier: --all" in drawn.stdout
    assert "Re-run 10 (" not in drawn.stdout
    assert "Re-run 60 (" in drawn.stdout
    whole = as_alice("history", FAILED, "--all", "--no-changes")
    assert "Re-run 1 (" in whole.stdout
    assert "earlier" not in whole.stdout


def test_the_runs_of_an_experiment_stand_together_and_are_not_looked_into(as_alice: Fnrun, api: Api) -> None:
    a_failed_run(api)
    reran(api, 11)
    for number in range(20, 26):
        reran(
            api,
            number,
            execution_source="experiment",
            experiment_id=an_id(77),
            pin=a_pin(7 + number % 2),
            status="failure" if number < 22 else "completed",
        )
    reran(api, 30, execution_source="retry", retry_attempt=1, rerun_by=None)
    drawn = as_alice("history", FAILED)
    assert compared(api) == 1
    experiment = drawn.stdout.split(f"Experiment ({an_id(77)})\n")[1].splitlines()
    assert experiment[2:4] == ["├── runs: 4 completed, 2 failure", "├── versions: 7, 8"]
    assert f"Re-run 8, automatic retry 1 ({an_id(30)})" in drawn.stdout
    assert drawn.stdout.count("Experiment (") == 1


def test_many_and_long_changes_are_cut(as_alice: Fnrun, api: Api) -> None:
    a_failed_run(api)
    reran(api, 11, json.dumps({f"key-{number}": "x" * 200 for number in range(9)}).encode())
    lines = [line for line in as_alice("history", FAILED).stdout.splitlines() if "parameters: " in line]
    assert len(lines) == 5
    assert lines[-1] == "├── parameters: … 7 more: fnrun compare"
    assert max(map(len, lines)) < 100


def test_what_cannot_be_known_is_said_in_the_tree(as_alice: Fnrun, api: Api) -> None:
    a_failed_run(api)
    erased = reran(api, 11)
    reran(api, 12, not_before=NOW + timedelta(days=9999), status="pending", pin=None, use_latest_code=True)
    assert as_alice("erase", erased.id, "--yes").code == Exit.DONE
    drawn = as_alice("history", FAILED, "--utc")
    assert "├── parameters: not known: those after are erased\n" in drawn.stdout
    assert "├── code: today's; the version is not known yet\n" in drawn.stdout
    assert "└── not before: 2054-04-08 09:30:00\n" in drawn.stdout


def test_with_json_it_is_the_document_of_all_pages(as_alice: Fnrun, api: Api) -> None:
    a_failed_run(api)
    for number in range(100, 250):
        reran(api, number)
    document = as_alice("history", FAILED, "-o", "json").document
    assert (document["rerunCount"], len(document["reruns"]), document["nextCursor"]) == (150, 150, None)
    assert not compared(api)
