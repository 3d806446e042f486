"""`fnrun rerun`: what it shows, what it asks, what it sends, and how it ends."""

import io
import sys
from typing import Any

import pytest
from fnrun.errors import Exit
from function_rerun import Client

from handlers.domain.runs.outcome import Outcome
from handlers.domain.runs.run import Status
from tests.builders import FUNCTION_ARN, RUN_ID, a_pin, a_rerun, an_id
from tests.client.cli import Fnrun
from tests.client.failing import FAILED, a_failed_run, answers, reruns_of
from tests.client.faults import HALF_AN_ANSWER, REQUEST_LOST, throttled, unavailable
from tests.client.server import Api


def bodies(api: Api, path: str = "/rerun") -> list[Any]:
    return [each.json for each in api.requests if each.path.endswith(path)]


def test_a_plan_is_shown_and_nothing_is_done(as_alice: Fnrun, api: Api) -> None:
    a_failed_run(api)
    api.world.code.now[FUNCTION_ARN] = a_pin(8)
    planned = as_alice("rerun", FAILED, "--plan", "--latest", "--set", "order.total=30", "--set", "note=x")
    assert (planned.code, planned.stderr) == (Exit.DONE, "")
    assert planned.stdout.splitlines() == [
        f"Plan of a re-run of {FAILED}",
        "  the run       failure on version 7",
        f"  function      orders import ({FUNCTION_ARN})",
        "  trigger       import now",
        "  code          today's (--latest)",
        "  today's code  code and configuration differ",
        "  executions    1",
        "  effects       new: whatever the function does is done again",
        "  The overrides change in the parameters:",
        "    ~ /order/total  20 → 30",
        '    + /note         "x"',
    ]
    assert not reruns_of(api)


def test_without_the_grant_a_plan_says_what_is_set_and_which_grant_shows_more(
    as_alice: Fnrun, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_failed_run(api)
    monkeypatch.setenv("FNRUN_TOKEN", api.token("bob", "acme/function-triggers:execute"))
    planned = as_alice("rerun", FAILED, "--plan", "--set", "order.total=30")
    assert "needs the grant function-runs:reveal" in planned.stdout
    assert "= /order/total  30" in planned.stdout
    assert "20" not in planned.stdout


def test_it_asks_and_starts_what_the_plan_has_shown(as_alice: Fnrun, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    a_failed_run(api)
    answers(monkeypatch, "y\n")
    ended = as_alice("rerun", FAILED, "--set", "mode=lax", "--reason", "why", "--not-before", "2020-01-01T00:00Z")
    [rerun] = reruns_of(api)
    assert ended.code == Exit.DONE
    assert ended.stdout == f"{rerun.id}  re-run of {FAILED}\n"
    assert '~ /mode  "strict" → "lax"' in ended.stderr
    assert "Re-run it? [y/N]" in ended.stderr
    [sent], [planned] = bodies(api), bodies(api, "/rerun-plan")
    assert sent == planned | {"planToken": sent["planToken"]}
    assert planned == {
        "reason": "why",
        "overrideParams": {"mode": "lax"},
        "notBefore": "2020-01-01T00:00:00.000Z",
        "ifNotRecovered": True,
    }


@pytest.mark.parametrize(("typed", "code"), [("n\n", Exit.NOT_WELL), ("\n", Exit.NOT_WELL), ("", Exit.INTERRUPTED)])
def test_without_a_yes_nothing_is_done(
    as_alice: Fnrun, api: Api, monkeypatch: pytest.MonkeyPatch, typed: str, code: Exit
) -> None:
    a_failed_run(api)
    answers(monkeypatch, typed)
    ended = as_alice("rerun", FAILED)
    assert ended.code == code
    assert "othing was done" in ended.stderr
    assert not reruns_of(api)


def test_where_nobody_can_be_asked_yes_is_needed(as_alice: Fnrun, api: Api) -> None:
    a_failed_run(api)
    ended = as_alice("rerun", FAILED)
    assert ended.code == Exit.USAGE
    assert ended.stderr.endswith("Next: add --yes\n")
    assert not reruns_of(api)


def test_what_has_recovered_is_refused_unless_it_is_wanted_all_the_same(as_alice: Fnrun, api: Api) -> None:
    failed = a_failed_run(api)
    api.world.has_run(a_rerun(failed, id=an_id(6)))
    refused = as_alice("rerun", FAILED, "--yes")
    assert refused.code == Exit.REFUSED
    assert refused.stderr.splitlines()[-1] == (
        f"fnrun: Nothing is left to recover: {an_id(6)} has completed. "
        f"Next: fnrun runs show {an_id(6)}, or --even-if-recovered to re-run it all the same"
    )
    assert as_alice("rerun", FAILED, "--yes", "--even-if-recovered").code == Exit.DONE
    assert len(reruns_of(api)) == 2


def test_all_refusals_are_said_each_with_what_to_do(as_alice: Fnrun, api: Api) -> None:
    failed = a_failed_run(api)
    api.world.has_run(a_rerun(failed, id=an_id(6), status="pending"))
    api.world.registry.triggers.clear()
    planned = as_alice("rerun", FAILED, "--plan")
    assert planned.code == Exit.REFUSED
    said = [line for line in planned.stdout.splitlines() if line.startswith("  refused")]
    assert [line.split(" Next: ")[0].split(None, 1)[1] for line in said] == [
        "Original trigger not found. It may have been deleted.",
        f"A run of the lineage has not come to its end: {an_id(6)}. Wait for it, or cancel it.",
    ]
    assert all(" Next: fnrun " in line for line in said)


def test_an_outdated_plan_is_made_again_and_asked_about_again(
    as_alice: Fnrun, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = a_failed_run(api)
    answers(monkeypatch, "y\ny\n")
    asked = []

    def confirm(question: str, *, yes: bool) -> None:
        asked.append(question)
        if len(asked) == 1:  # while the question is thought about
            with api.lock:
                api.world.runs.runs[failed.id] = failed.model_copy(update={"pin": a_pin(9)})

    monkeypatch.setattr("fnrun.rerunning.starting.confirm", confirm)
    ended = as_alice("rerun", FAILED)
    assert ended.code == Exit.DONE, ended.stderr
    assert asked == ["Re-run it?"] * 2
    assert "Make a new plan. This is the new one:" in ended.stderr
    assert len(reruns_of(api)) == 1


def test_with_yes_an_outdated_plan_is_refused(as_alice: Fnrun, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    failed = a_failed_run(api)

    def changed(*_: object) -> None:
        api.world.runs.runs[failed.id] = failed.model_copy(update={"pin": a_pin(9)})

    monkeypatch.setattr("fnrun.rerunning.command.print_plan", changed)
    ended = as_alice("rerun", FAILED, "--yes")
    assert ended.code == Exit.REFUSED
    assert ended.stderr.endswith(f"Next: fnrun rerun {FAILED} --plan, and read what is different\n")
    assert not reruns_of(api)


def test_each_of_several_is_reported_and_the_worst_is_how_it_ends(as_alice: Fnrun, api: Api) -> None:
    a_failed_run(api)
    unknown = an_id(404)
    ended = as_alice("rerun", RUN_ID, FAILED, unknown, FAILED, "--yes")
    [rerun] = reruns_of(api)
    assert ended.code == Exit.REFUSED
    assert ended.stdout == f"{rerun.id}  re-run of {FAILED}\n"
    assert [line.split(": ")[1] for line in ended.stderr.splitlines()] == [RUN_ID, unknown]
    assert all(" Next: " in line for line in ended.stderr.splitlines())


def test_with_json_each_is_a_document(as_alice: Fnrun, api: Api) -> None:
    a_failed_run(api)
    ended = as_alice("rerun", RUN_ID, FAILED, "--yes", "-o", "json")
    [rerun] = reruns_of(api)
    refused, started = ended.document
    assert (refused["sourceRunId"], refused["error"]["code"]) == (RUN_ID, "ALREADY_RECOVERED")
    assert refused["error"]["exitCode"] == Exit.REFUSED
    assert started == {"sourceRunId": FAILED, "jobId": rerun.id}
    planned = as_alice("rerun", FAILED, "--plan", "-o", "json")
    assert planned.document[0]["plan"]["refusals"][0]["code"] == "RERUN_OPEN"


def test_several_are_asked_about_once(as_alice: Fnrun, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in (5, 6):
        a_failed_run(api, an_id(number))
    answers(monkeypatch, "y\n")
    ended = as_alice("rerun", an_id(5), RUN_ID, an_id(6))
    assert ended.code == Exit.REFUSED
    assert "Re-run 2 of these 3 runs? [y/N]" in ended.stderr
    assert ended.stderr.count("Nothing is left to recover") == 1
    assert len(ended.stdout.splitlines()) == 2


def test_who_interrupts_the_planning_of_several_is_not_asked(
    as_alice: Fnrun, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (5, 6, 7):
        a_failed_run(api, an_id(number))
    answers(monkeypatch, "y\n")
    there, planned = Client.plan_rerun, []

    def plan_rerun(client: Client, run_id: str, **body: Any) -> Any:
        planned.append(run_id)
        if len(planned) == 2:
            raise KeyboardInterrupt
        return there(client, run_id, **body)

    monkeypatch.setattr("function_rerun.Client.plan_rerun", plan_rerun)
    ended = as_alice("rerun", an_id(5), an_id(6), an_id(7))
    assert (ended.code, ended.stdout) == (Exit.INTERRUPTED, "")
    assert "[y/N]" not in ended.stderr
    assert f"fnrun: {an_id(6)}: Interrupted: this run was not re-run.\n" in ended.stderr
    assert not [run for run in api.world.runs.runs.values() if run.is_rerun]


def test_who_interrupts_the_start_of_several_waits_for_none(
    as_alice: Fnrun, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (5, 6, 7):
        a_failed_run(api, an_id(number))
    there, sent = Client.rerun, []

    def rerun(client: Client, run_id: str, **body: Any) -> Any:
        sent.append(run_id)
        if len(sent) == 2:
            raise KeyboardInterrupt
        return there(client, run_id, **body)

    monkeypatch.setattr("function_rerun.Client.rerun", rerun)
    ended = as_alice("rerun", an_id(5), an_id(6), an_id(7), "--yes", "--wait")
    assert ended.code == Exit.INTERRUPTED
    assert ended.stdout == f"{reruns_of(api, an_id(5))[0].id}  re-run of {an_id(5)}\n"
    assert f"fnrun: {an_id(6)}: Interrupted: it is not known whether {an_id(6)} was re-run. Next: " in ended.stderr


def test_ids_come_from_standard_input(as_alice: Fnrun, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5, 9):
        a_failed_run(api, an_id(number))
    listed = as_alice("runs", "list", "--status", "failure", "-o", "json").document
    monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f'"{run["id"]}"\n\n' for run in listed)))
    ended = as_alice("rerun", "-", "--yes")
    assert (ended.code, ended.stderr) == (Exit.DONE, "")
    assert len(ended.stdout.splitlines()) == 4


def test_no_id_on_standard_input_is_nothing_to_do(as_alice: Fnrun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert as_alice("rerun", "-", "--yes") == (Exit.DONE, "", "No run was named.\n")
    assert as_alice("rerun", "-", "--yes", "-o", "json").document == []


def test_params_and_settings_go_together(as_alice: Fnrun, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    a_failed_run(api)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b'{"order": {"id": "o-6"}}')))
    assert as_alice("rerun", FAILED, "--yes", "--params", "-", "--set", "order.total=1").code == Exit.DONE
    assert bodies(api)[0]["overrideParams"] == {"order": {"id": "o-6", "total": 1}}


def test_the_same_key_starts_it_once(as_alice: Fnrun, api: Api) -> None:
    a_failed_run(api)
    sent = [as_alice("rerun", FAILED, "--yes", "--idempotency-key", "k-1") for _ in range(2)]
    assert sent[0].code == sent[1].code == Exit.DONE
    assert sent[0].stdout == sent[1].stdout
    assert len(reruns_of(api)) == 1
    assert "has not come to its end" in as_alice("rerun", FAILED, "--yes", "--idempotency-key", "k-2").stderr


def test_it_waits_for_the_end_and_shows_the_tail_of_the_log(as_alice: Fnrun, api: Api) -> None:
    a_failed_run(api)
    api.world.invoker.script = [Outcome(Status.COMPLETED, result=b"1", logs="START\nÄ \x1b[31m\n".encode())]
    with api.executing():
        ended = as_alice("rerun", FAILED, "--yes", "--wait", "--timeout", "20s")
    [rerun] = reruns_of(api)
    assert ended.code == Exit.DONE
    assert ended.stdout.startswith(f"{rerun.id}  re-run of {FAILED}  completed  ")
    assert ended.stderr.endswith(f"{rerun.id} is completed\nIts log ends with:\nSTART\nÄ \\u001b[31m\n")


def test_a_re_run_that_fails_is_not_well(as_alice: Fnrun, api: Api) -> None:
    a_failed_run(api)
    api.world.invoker.script = [Outcome(Status.FAILURE, "OrderInvalid", error=b"{}")]
    with api.executing():
        ended = as_alice("rerun", FAILED, "--yes", "--wait", "--no-logs", "-o", "json")
    assert ended.code == Exit.NOT_WELL
    assert ended.document[0]["run"]["errorCode"] == "OrderInvalid"


def test_whoever_may_not_reveal_is_told_once_why_there_is_no_log(
    as_alice: Fnrun, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FNRUN_TOKEN", api.token("bob", "acme/function-triggers:execute", "acme/function-runs:read"))
    for number in (5, 6):
        a_failed_run(api, an_id(number))
    with api.executing():
        ended = as_alice("rerun", an_id(5), an_id(6), "--yes", "--wait")
    assert ended.code == Exit.DONE
    assert ended.stderr.count("The log's tail is not shown: The grant acme/function-runs:reveal is required.") == 1


def test_waiting_too_long_leaves_the_run_to_go_on(as_alice: Fnrun, api: Api) -> None:
    a_failed_run(api)
    ended = as_alice("rerun", FAILED, "--yes", "--wait", "--timeout", "0.3")
    [rerun] = reruns_of(api)
    assert ended.code == Exit.UNKNOWN
    assert ended.stderr.endswith(f"has not ended in that time, and goes on. Next: fnrun runs show {rerun.id}\n")


def test_waiting_survives_that_the_service_goes_away(as_alice: Fnrun, api: Api) -> None:
    a_failed_run(api)
    api.inject(unavailable(), REQUEST_LOST, HALF_AN_ANSWER, throttled("0"), of="GET ")
    with api.executing():
        ended = as_alice("rerun", FAILED, "--yes", "--wait", "--timeout", "5m")
    assert ended.code == Exit.DONE, ended.stderr
    assert "the service does not answer; trying on" in ended.stderr


def test_who_interrupts_the_reading_of_the_log_is_told_how_the_run_has_ended(
    as_alice: Fnrun, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    def get_run(*_: object, **__: object) -> Any:
        raise KeyboardInterrupt

    a_failed_run(api)
    monkeypatch.setattr("function_rerun.Client.get_run", get_run)
    with api.executing():
        ended = as_alice("rerun", FAILED, "--yes", "--wait")
    assert ended.code == Exit.INTERRUPTED
    assert "has ended (completed), its log was not read. Next: fnrun runs show" in ended.stderr


def test_a_missing_grant_ends_all(as_alice: Fnrun, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FNRUN_TOKEN", api.token("bob", "acme/function-runs:read"))
    ended = as_alice("rerun", an_id(5), an_id(6), an_id(7), "--yes")
    assert ended.code == Exit.NOT_PERMITTED
    assert len(api.requests) == 1
    assert "The grant acme/function-triggers:execute is required." in ended.stderr
    assert ended.stderr.endswith("The runs after this one were not asked for.\n")


def test_hostile_text_reaches_no_terminal(as_alice: Fnrun, api: Api) -> None:
    a_failed_run(api)
    shown = as_alice("rerun", FAILED, "--plan", "--set", "\x1b[2Jkey=\x1b]0;title\x07")
    assert shown.code == Exit.DONE
    assert "\x1b" not in shown.stdout + shown.stderr
    assert "]0;title" in shown.stdout
