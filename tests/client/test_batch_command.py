"""`fnrun batch`: plan, ask, start, watch to the end, hold and end."""

import io
import sys
from typing import Any

import pytest
from fnrun.errors import Exit
from function_rerun import Client, OutcomeUnknown

from handlers.domain import clock
from handlers.domain.runs.outcome import Outcome
from handlers.domain.runs.run import FunctionRun, Status
from tests.builders import FUNCTION_ID, TRIGGER_ID, a_rerun, an_id
from tests.client.cli import Fnrun
from tests.client.failing import a_failed_run, answers
from tests.client.faults import ANSWER_LOST, Fault, throttled, unavailable
from tests.client.server import Api

GROUP = "1a2b3c4d" * 4
WHY = ("--reason", "payments were down")
PASSES = Fault()
FAILURE = Outcome(Status.FAILURE, error_code="OrderInvalid", error=b'{"errorType":"OrderInvalid","stackTrace":[]}')
WAITS = ("--wait", "--timeout", "20s")


@pytest.fixture
def failed(api: Api) -> list[str]:
    """Three runs of one error group."""
    ids = [an_id(number) for number in (5, 6, 7)]
    for run_id in ids:
        a_failed_run(api, run_id, error_group_id=GROUP, created_at=clock.now())
    return ids


def reruns(api: Api) -> list[FunctionRun]:
    return [run for run in api.world.runs.runs.values() if run.is_rerun]


def sent(api: Api) -> list[Any]:
    return [each.json for each in api.requests if each.path.endswith("/rerun-batches") and each.method == "POST"]


def started(fnrun: Fnrun, *options: str) -> str:
    ended = fnrun("batch", "start", "--group", GROUP, *WHY, "--yes", *options)
    assert ended.code == Exit.DONE, ended.stderr
    return ended.stdout.strip()


@pytest.mark.usefixtures("failed")
def test_a_plan_is_shown_and_nothing_is_started(as_alice: Fnrun, api: Api) -> None:
    planned = as_alice("batch", "start", "--group", GROUP, *WHY, "--latest", "--canary", "1", "--plan")
    assert (planned.code, planned.stderr) == (Exit.DONE, "")
    lines = planned.stdout.splitlines()
    assert lines[:4] == [
        "Plan of a batch of re-runs",
        "  found     3 failed runs",
        "  re-runs   3",
        "  code      today's (--latest)",
    ]
    assert "  canary    1 first; the others once these have ended well" in lines
    assert "  orders import  3" in lines
    assert not api.world.batches.batches
    document = as_alice("batch", "start", "--group", GROUP, *WHY, "--plan", "-o", "json").document
    assert (document["sources"], document["wouldStart"]) == (3, 3)


@pytest.mark.usefixtures("failed")
def test_it_asks_and_sends_what_it_has_planned(as_alice: Fnrun, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, "y\n")
    options = ["--function", "orders import", "--trigger", "import now", "--error", "OrderInvalid", "--failed-on", "7"]
    options += ["--from", "2020-01-01T00:00Z", "--to", "2099-01-01T00:00Z", "--version", "8", "--set", "mode=lax"]
    options += ["--effects", "same", "--canary", "0", "--start-per-second", "2", "--max-per-second", "20"]
    options += ["--double-every", "1m", "--stop-on", "same-error=no", "--stop-on", "failures=3"]
    ended = as_alice("batch", "start", *WHY, *options, "--not-before", "2020-01-01T00:00Z")
    planned, accepted = sent(api)
    assert planned == accepted | {"dryRun": True}
    assert accepted == {
        "filter": {
            "functionId": FUNCTION_ID,
            "triggerId": TRIGGER_ID,
            "errorCode": "OrderInvalid",
            "functionVersion": "7",
            "from": "2020-01-01T00:00:00.000Z",
            "to": "2099-01-01T00:00:00.000Z",
        },
        "functionVersion": "8",
        "reason": "payments were down",
        "overrideParams": {"mode": "lax"},
        "effects": "same",
        "canary": {"count": 0},
        "pace": {"startPerSecond": 2, "maxPerSecond": 20, "doubleEverySeconds": 60},
        "stopWhen": {"sameErrorGroup": False, "failures": 3},
        "notBefore": "2020-01-01T00:00:00.000Z",
    }
    [batch] = api.world.batches.batches
    assert (ended.code, ended.stdout) == (Exit.DONE, f"{batch}\n")
    assert "Start these 3 re-runs? [y/N]" in ended.stderr
    assert ended.stderr.endswith(f"It is on its way: fnrun batch watch {batch}\n")


@pytest.mark.usefixtures("failed")
def test_without_a_yes_nothing_is_started(as_alice: Fnrun, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = as_alice("batch", "start", "--group", GROUP, *WHY)
    assert refused.code == Exit.USAGE
    assert refused.stderr.endswith("Next: add --yes\n")
    answers(monkeypatch, "n\n")
    assert as_alice("batch", "start", "--group", GROUP, *WHY).code == Exit.NOT_WELL
    assert not api.world.batches.batches


def test_runs_are_named_or_read_from_standard_input(
    as_alice: Fnrun, api: Api, failed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert as_alice("batch", "start", failed[0], failed[1], failed[0], *WHY, "--yes").code == Exit.DONE
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n".join(failed)))
    assert as_alice("batch", "start", "-", *WHY, "--yes").code == Exit.DONE
    assert [each["runIds"] for each in sent(api) if "dryRun" not in each] == [failed[:2], failed]
    planned = as_alice("batch", "start", *failed, "--plan")
    assert (planned.code, "  found     3 runs, as named\n" in planned.stdout) == (Exit.DONE, True)


def test_standard_input_may_be_empty_and_is_to_be_ids(as_alice: Fnrun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    ended = as_alice("batch", "start", "-", *WHY, "--yes")
    assert (ended.code, ended.stderr) == (Exit.DONE, "No run was named.\n")
    monkeypatch.setattr(sys, "stdin", io.StringIO("ID  STATUS\n"))
    ended = as_alice("batch", "start", "-", *WHY, "--yes")
    assert ended.code == Exit.USAGE
    assert ended.stderr.endswith("Next: send one id a line: fnrun runs list -q\n")


def test_a_plan_that_finds_nothing_says_what_to_look_at(as_alice: Fnrun) -> None:
    planned = as_alice("batch", "start", "--error", "Unheard", "--plan")
    assert planned.code == Exit.DONE
    assert planned.stderr == "No failed run that is not recovered matches. Next: fnrun runs list --not-recovered\n"


def test_where_nothing_is_left_nothing_is_started(as_alice: Fnrun, api: Api, failed: list[str]) -> None:
    for run_id in failed:
        api.world.has_run(a_rerun(api.world.run(run_id), id=run_id.replace("-4000-", "-4001-")))
    ended = as_alice("batch", "start", "--group", GROUP, *WHY, "--yes")
    assert (ended.code, ended.stdout) == (Exit.DONE, "")
    assert ended.stderr.splitlines()[-1] == "Nothing is left to re-run, and nothing was started."
    assert as_alice("batch", "start", "--group", GROUP, *WHY, "-o", "json").document["wouldStart"] == 0
    named = as_alice("batch", "start", *failed, *WHY, "--yes")
    assert (named.code, "recovered already 3" in named.stderr) == (Exit.DONE, True)
    assert not api.world.batches.batches


def test_where_all_are_refused_the_codes_are_said(as_alice: Fnrun, api: Api) -> None:
    of_workflow = {"orchestration_id": "w-1", "execution_source": "orchestration"}
    a_failed_run(api, error_group_id=GROUP, created_at=clock.now(), **of_workflow)
    ended = as_alice("batch", "start", "--group", GROUP, *WHY, "--yes")
    assert ended.code == Exit.REFUSED
    assert "Nothing can be started: of 1 failed run, 1 would be refused (ORCHESTRATION_RUN)" in ended.stderr


@pytest.mark.usefixtures("failed")
def test_under_the_same_key_it_is_the_same_batch(as_alice: Fnrun, api: Api) -> None:
    first = started(as_alice, "--idempotency-key", "a-key")
    with api.executing():
        assert as_alice("batch", "watch", first, "--every", "0.1", "--timeout", "20s").code == Exit.DONE
    assert started(as_alice, "--idempotency-key", "a-key") == first
    assert len(reruns(api)) == 3


@pytest.mark.usefixtures("failed")
def test_whether_it_was_started_may_not_be_known(as_alice: Fnrun, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fnrun.connection.session._RETRY_SECONDS", 0.0)
    there = Client.start_rerun_batch

    def start(client: Client, **body: Any) -> Any:
        if not body.get("dry_run"):
            raise OutcomeUnknown("It is not known.", "Look.", request_id="id=")
        return there(client, **body)

    monkeypatch.setattr("function_rerun.Client.start_rerun_batch", start)
    ended = as_alice("batch", "start", "--group", GROUP, *WHY, "--yes", "--idempotency-key", "a-key")
    assert ended.code == Exit.UNKNOWN
    assert ended.stderr.endswith(
        "It is not known whether a batch was started. "
        "Next: look with fnrun batch list, or send it again with --idempotency-key a-key\n"
    )


@pytest.mark.usefixtures("failed")
def test_it_is_watched_to_its_end(as_alice: Fnrun, api: Api) -> None:
    with api.executing():
        ended = as_alice("batch", "start", "--group", GROUP, *WHY, "--yes", *WAITS)
    [batch] = api.world.batches.batches
    assert ended.code == Exit.DONE
    assert f"{batch} is the batch\n" in ended.stderr
    assert ended.stdout.splitlines()[-1].endswith("  completed  3 of 3: completed 3")
    assert len(reruns(api)) == 3
    watched = as_alice("batch", "watch", batch[:8], "-o", "json")
    assert (watched.code, watched.document["state"]) == (Exit.DONE, "completed")
    assert as_alice("runs", "list", "--batch", batch[:8], "-q").stdout.count("\n") == 3


def test_one_that_stops_itself_ends_with_a_code_of_its_own_and_is_resumed(as_alice: Fnrun, api: Api) -> None:
    api.world.invoker.script = [FAILURE] * 4
    for _ in range(3):
        run_id = as_alice("execute", "import now", "-o", "json").document["jobId"]
        api.execute_pending()
    group = api.world.run(run_id).error_group_id
    assert group is not None
    with api.executing():
        stopped = as_alice("batch", "start", "--group", group, "--latest", "--canary", "1", *WHY, "--yes", *WAITS)
    [batch] = api.world.batches.batches
    assert stopped.code == Exit.STOPPED
    assert f"itself: the error of the runs that it repeats came back (group {group[:8]}, run " in stopped.stderr
    assert stopped.stderr.endswith(
        f"once the code is fixed, or what it calls is up again: fnrun batch resume {batch}\n"
    )
    shown = as_alice("batch", "show", batch[:8]).stdout
    assert "because   the error of the runs that it repeats came back" in shown
    with api.executing():
        resumed = as_alice("batch", "resume", batch, "--max-per-second", "50", "--stop-on", "rate=1", *WAITS)
    assert resumed.code == Exit.NOT_WELL
    assert resumed.stdout.startswith(f"{batch}  ")
    assert "1 re-run of this batch failed, 3 of 3: completed 2, failed 1" in resumed.stderr


@pytest.mark.usefixtures("failed")
def test_it_is_paused_resumed_and_cancelled(as_alice: Fnrun, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = started(as_alice)
    assert as_alice("batch", "pause", batch, "--reason", "a look at it").stdout == f"{batch}  paused\n"
    assert as_alice("batch", "resume", batch, "--reason", "it is well", "-o", "json").document["state"] == "canary"
    asked = as_alice("batch", "cancel", batch)
    assert (asked.code, "Nobody can be asked here" in asked.stderr) == (Exit.USAGE, True)
    answers(monkeypatch, "y\n")
    ended = as_alice("batch", "cancel", batch, "--open-reruns", "cancel", "--reason", "enough")
    acts = [act for act in api.world.audit_log.sealed if act.act.batch_id == batch]
    assert [sealed.act.reason for sealed in acts][-3:] == ["a look at it", "it is well", "enough"]
    assert (ended.code, ended.stdout) == (Exit.DONE, f"{batch}  cancelled\n")
    assert f"Cancel the batch {batch} for good, its open re-runs too? [y/N]" in ended.stderr
    watched = as_alice("batch", "watch", batch, "--timeout", "20s")
    assert (watched.code, "The batch was cancelled" in watched.stderr) == (Exit.NOT_WELL, True)
    refused = as_alice("batch", "resume", batch)
    assert (refused.code, " Next: start another batch" in refused.stderr) == (Exit.REFUSED, True)


@pytest.mark.usefixtures("failed")
def test_whether_it_was_paused_may_not_be_known(as_alice: Fnrun, api: Api) -> None:
    batch = started(as_alice)
    api.inject(ANSWER_LOST, of="/resume")
    ended = as_alice("batch", "resume", batch)
    assert ended.code == Exit.UNKNOWN
    assert f"It is not known whether {batch} was resumed. Next: look with fnrun batch show {batch}" in ended.stderr


@pytest.mark.usefixtures("failed")
def test_batches_are_listed(as_alice: Fnrun) -> None:
    assert as_alice("batch", "list").stderr == "There are no batches yet: fnrun batch start\n"
    first, second = started(as_alice), started(as_alice)
    listed = as_alice("batch", "list")
    assert {line.split()[0] for line in listed.stdout.splitlines()[1:]} == {first, second}
    assert "payments were down" in listed.stdout
    assert as_alice("batch", "list", "-n", "1").stderr.startswith("There are more than these 1:")
    assert len(as_alice("batch", "list", "--all", "-o", "json").document) == 2


@pytest.mark.usefixtures("failed")
def test_watching_survives_that_the_service_is_away(as_alice: Fnrun, api: Api) -> None:
    batch = started(as_alice)
    with api.executing():
        api.inject(PASSES, unavailable(), unavailable("0"), throttled("0"), of="GET ")
        watched = as_alice("batch", "watch", batch, "--every", "0.1", "--timeout", "20s")
    assert watched.code == Exit.DONE
    assert watched.stderr == "The service was not reached; trying on.\n"


@pytest.mark.usefixtures("failed")
def test_watching_one_that_is_paused_or_not_reached_says_so(as_alice: Fnrun, api: Api) -> None:
    batch = started(as_alice)
    as_alice("batch", "pause", batch)
    assert as_alice("audit", "--batch", batch[:8]).stdout.count(batch) == 2
    watched = as_alice("batch", "watch", batch, "--every", "0.1", "--timeout", "0.1")
    assert watched.code == Exit.UNKNOWN
    assert watched.stderr == f"fnrun: The batch is paused. Next: fnrun batch resume {batch}\n"
    api.inject(PASSES, *[unavailable("0")] * 9, of="GET ")
    watched = as_alice("batch", "watch", batch, "--every", "0.1", "--timeout", "0.1")
    assert watched.code == Exit.UNKNOWN
    assert "it is not known how far the batch is. Next: fnrun batch watch" in watched.stderr


@pytest.mark.usefixtures("failed")
def test_watching_ends_with_its_time(as_alice: Fnrun, api: Api) -> None:
    batch = started(as_alice)
    watched = as_alice("batch", "watch", batch, "--every", "0.1", "--timeout", "0.3")
    assert watched.code == Exit.UNKNOWN
    assert watched.stderr == (
        f"fnrun: The batch has not ended in that time, and goes on. Next: fnrun batch watch {batch}\n"
    )
