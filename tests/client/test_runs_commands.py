"""`fnrun runs`, `execute`, `cancel` and `erase`: what they show and how they end."""

import json
import os
import stat
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fnrun.errors import Exit
from function_rerun import Client, ConnectionFailed

from handlers.domain.runs.outcome import Outcome
from handlers.domain.runs.run import Status
from tests.builders import FUNCTION_ID, RUN_ID, TRIGGER_ID, a_function, a_rerun, a_run, an_id
from tests.client.cli import Fnrun
from tests.client.failing import FAILED, a_failed_run, answers, reruns_of
from tests.client.server import Api

SECRET = "a-secret-value"


def queries(api: Api) -> list[str]:
    return [each.query for each in api.requests if each.path.endswith("/function-runs")]


def test_runs_are_listed_newest_first_with_the_names_of_their_functions(as_alice: Fnrun, api: Api) -> None:
    failed = a_failed_run(api)
    api.world.has_run(a_rerun(failed, id=an_id(6)))
    listed = as_alice("runs", "list", "--utc")
    header, *rows = [line.split() for line in listed.stdout.splitlines()]
    assert (listed.code, listed.stderr) == (Exit.DONE, "")
    assert header == ["ID", "STATUS", "FUNCTION", "SOURCE", "CREATED", "TOOK", "ERROR", "LINEAGE"]
    assert {row[0]: row[1] for row in rows} == {RUN_ID: "completed", FAILED: "failure", an_id(6): "completed"}
    assert any("OrderInvalid" in row and "re-runs:" in row for row in rows)
    assert "orders import" in listed.stdout


def test_ids_alone_are_listed_for_other_commands_to_read(as_alice: Fnrun, api: Api) -> None:
    a_failed_run(api)
    assert as_alice("runs", "list", "-q", "--status", "failure").stdout == f"{FAILED}\n"


def test_filters_are_sent_as_the_api_knows_them(as_alice: Fnrun, api: Api) -> None:
    typed = "--status failure --function FN --trigger TR --not-recovered --originals --by bob --source webhook"
    typed += " --error OrderInvalid --version 7 --from 2026-11-26T10:00Z --to 2026-11-27T10:00Z"
    names = {"FN": "orders import", "TR": "import now"}
    listed = as_alice("runs", "list", *[names.get(word, word) for word in typed.split()])
    assert (listed.code, listed.stderr) == (Exit.DONE, "No run matches.\n")
    sent = dict(pair.split("=") for pair in queries(api)[0].split("&"))
    assert sent == {
        "status": "failure",
        "functionId": FUNCTION_ID,
        "triggerId": TRIGGER_ID,
        "recovered": "false",
        "isRerun": "false",
        "rerunBy": "bob",
        "executionSource": "webhook",
        "errorCode": "OrderInvalid",
        "functionVersion": "7",
        "from": "2026-11-26T10%3A00%3A00.000Z",
        "to": "2026-11-27T10%3A00%3A00.000Z",
        "limit": "51",
    }


def test_a_limit_says_that_there_are_more(as_alice: Fnrun, api: Api) -> None:
    for number in range(10, 15):
        api.world.has_run(a_run(id=an_id(number)))
    listed = as_alice("runs", "list", "-n", "2")
    assert len(listed.stdout.splitlines()) == 3
    assert listed.stderr == "There are more than these 2: --limit N, or --all\n"
    assert as_alice("runs", "list", "-n", "6").stderr == ""
    assert len(as_alice("runs", "list", "--all", "-o", "json").document) == 6


class _ManyPages:
    """A service with 10,000 runs of 1.5 KB each; it makes a page when it is asked for."""

    def __init__(self, run: dict[str, Any]) -> None:
        self._run = run

    def list_runs(self, **_: object) -> Iterator[dict[str, Any]]:
        for number in range(10_000):
            yield self._run | {"id": an_id(number), "errorCode": f"{number:01000}"}


@pytest.mark.parametrize("output", ["json", "table"])
def test_ten_thousand_runs_are_listed_in_bounded_memory(
    as_alice: Fnrun, monkeypatch: pytest.MonkeyPatch, output: str, tmp_path: Path
) -> None:
    run = as_alice("runs", "list", "-o", "json").document[0]
    monkeypatch.setattr("function_rerun.Client.list_runs", _ManyPages(run).list_runs)
    with (tmp_path / "listed").open("w") as file:
        monkeypatch.setattr("sys.stdout", file)
        tracemalloc.start()
        from fnrun.main import main  # noqa: PLC0415 - what it imports is not what is measured

        assert main(["runs", "list", "--all", "-o", output]) == Exit.DONE
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert (tmp_path / "listed").stat().st_size > 10_000_000
    assert peak < 5_000_000


def test_a_run_is_shown_without_its_content(as_alice: Fnrun, api: Api) -> None:
    failed = a_failed_run(api)
    api.world.has_run(a_rerun(failed, id=an_id(6)))
    shown = as_alice("runs", "show", FAILED)
    assert "recovered  " not in shown.stdout.split("status")[0]
    lines = dict(line.split("  ", 1) for line in shown.stdout.splitlines())
    fields = {name: value.strip() for name, value in lines.items()}
    assert fields["status"] == "failure"
    assert fields["error"] == "OrderInvalid (reported by the function)"
    assert fields["function"] == f"orders import ({FUNCTION_ID})"
    assert fields["re-runs"] == "1"
    assert not [each for each in api.requests if "include" in each.query]


def test_what_is_asked_for_is_revealed(as_alice: Fnrun, api: Api) -> None:
    a_failed_run(api)
    shown = as_alice("runs", "show", FAILED, "--include", "parameters,logs")
    assert json.loads(shown.stdout.split("parameters\n")[1].split("\nlogs")[0]) == json.loads(
        '{"order":{"id":"o-5","total":20},"mode":"strict"}'
    )
    assert shown.stdout.endswith("logs\nnone\n")
    assert as_alice("runs", "show", FAILED, "--reveal", "-o", "json").document["parameters"]["mode"] == "strict"


def test_a_hostile_result_drives_no_terminal(as_alice: Fnrun, api: Api) -> None:
    api.world.invoker.script = [
        Outcome(Status.COMPLETED, result=b'"\\u001b]0;x\\u0007 \\ud83d \\u202e"', logs=b"\x1b[2J\tx\r\nEND\n")
    ]
    with api.executing():
        run_id = as_alice("execute", "import now", "--wait", "--no-logs").stdout.split()[0]
    shown = as_alice("runs", "show", run_id, "--reveal")
    assert shown.code == Exit.DONE
    assert not set("\x1b\x07\r\ud83d\u202e") & set(shown.stdout)
    assert "\\u001b[2J    x\nEND" in shown.stdout


def test_names_of_others_drive_no_terminal(as_alice: Fnrun, api: Api) -> None:
    hostile = a_function(name="\x1b[31mred\x1b]8;;http://x\x07")
    api.world.registry.functions[hostile.id] = hostile
    listed = as_alice("runs", "list")
    assert "\x1b" not in listed.stdout
    assert "\\u001b[31mred" in listed.stdout


def test_without_the_grant_for_names_ids_are_shown(as_alice: Fnrun, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FNRUN_TOKEN", api.token("bob", "acme/function-runs:read"))
    assert FUNCTION_ID in as_alice("runs", "list").stdout
    assert FUNCTION_ID in as_alice("runs", "show", RUN_ID).stdout
    refused = as_alice("runs", "show", RUN_ID, "--reveal")
    assert refused.code == Exit.NOT_PERMITTED
    assert "acme/function-runs:reveal is required. Next: ask for that grant; fnrun whoami" in refused.stderr


def test_watching_prints_a_line_for_each_change(as_alice: Fnrun, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = api.world.has_run(a_run(id=an_id(7), status="pending"))
    steps: list[Callable[[], object]] = [api.execute_pending, lambda: None]

    def pause(_: float) -> None:
        if not steps:
            raise KeyboardInterrupt
        steps.pop(0)()

    monkeypatch.setattr("fnrun.following.watching.sleep", pause)
    watched = as_alice("runs", "watch", "--utc")
    assert (watched.code, watched.stderr) == (Exit.DONE, "\n")
    said = [tuple(line.split()[2:4]) for line in watched.stdout.splitlines()]
    assert sorted(said[:2]) == [(waiting.id, "pending"), (RUN_ID, "completed")]
    assert said[2:] == [(waiting.id, "completed")]


def test_watching_survives_that_the_service_goes_away(
    as_alice: Fnrun, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = iter([ConnectionFailed("gone"), ConnectionFailed("gone"), None, KeyboardInterrupt()])
    there = Client.list_runs

    def list_runs(client: Client, **filters: Any) -> Any:
        if (trouble := next(looks)) is not None:
            raise trouble
        return there(client, **filters)

    monkeypatch.setattr("function_rerun.Client.list_runs", list_runs)
    monkeypatch.setattr("fnrun.following.watching.sleep", lambda _: None)
    watched = as_alice("runs", "watch", "-o", "json")
    assert json.loads(watched.stdout)["id"] == RUN_ID
    assert watched.stderr == "The service was not reached; trying on.\n\n"


def test_executing_starts_a_run_with_the_payload(as_alice: Fnrun, api: Api) -> None:
    started = as_alice("execute", "import now", "--payload", '{"a": {"b": 1}}', "--set", "a.c=2")
    assert started.code == Exit.DONE
    [sent] = [each.json for each in api.requests if each.path.endswith("/execute")]
    assert sent == {"payload": {"a": {"b": 1, "c": 2}}}
    run_id = started.stdout.strip()
    assert started.stderr == f"It is on its way: fnrun runs show {run_id}\n"
    assert as_alice("execute", TRIGGER_ID, "-o", "json").document["jobId"] != run_id


def test_executing_waits_for_the_end(as_alice: Fnrun, api: Api) -> None:
    api.world.invoker.script = [Outcome(Status.FAILURE, "OrderInvalid", error=b"{}", logs=b"Traceback")]
    with api.executing():
        ended = as_alice("execute", "import now", "--wait")
    assert ended.code == Exit.NOT_WELL
    assert "  failure  OrderInvalid" in ended.stdout
    assert ended.stderr.endswith("Its log ends with:\nTraceback\n")


def test_runs_that_wait_are_cancelled_and_each_is_reported(as_alice: Fnrun, api: Api) -> None:
    for number, status in ((5, "pending"), (6, "running")):
        api.world.has_run(a_run(id=an_id(number), status=status))
    ended = as_alice("cancel", an_id(5), an_id(6), RUN_ID)
    assert ended.code == Exit.REFUSED
    assert ended.stdout.splitlines() == [
        f"{an_id(5)}  cancelled",
        f"{an_id(6)}  being executed; it is not executed again",
    ]
    assert ended.stderr == (
        f"fnrun: {RUN_ID}: The run has ended (completed): there is nothing left to cancel. "
        f"Next: fnrun runs show {RUN_ID}\n"
    )
    documents = as_alice("cancel", an_id(5), RUN_ID, "-o", "json").document
    assert [each.get("status") or each["error"]["code"] for each in documents] == ["cancelled", "RUN_ENDED"]


def test_erasing_asks_and_names_the_re_runs_that_hold_copies(
    as_alice: Fnrun, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = a_failed_run(api)
    rerun = api.world.has_run(a_rerun(failed, id=an_id(6)))
    api.world.has_run(a_rerun(failed, id=an_id(7), source_run_id=rerun.id))
    answers(monkeypatch, "y\n")
    ended = as_alice("erase", rerun.id)
    assert (ended.code, ended.stdout) == (Exit.DONE, f"{rerun.id}  erased\n")
    assert f"hold copies; erase them, too: fnrun erase {an_id(7)}\n" in ended.stderr
    assert f"Erase for good what {rerun.id} holds? [y/N]" in ended.stderr
    assert [run.id for run in api.world.runs.runs.values() if run.erased_at] == [rerun.id]


def test_erasing_says_where_it_cannot_know_of_copies(
    as_alice: Fnrun, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FNRUN_TOKEN", api.token("bob", "acme/function-runs:erase"))
    answers(monkeypatch, "y\n")
    ended = as_alice("erase", RUN_ID)
    assert ended.code == Exit.DONE
    assert "hold copies is not known: The grant acme/function-runs:read is required." in ended.stderr


def test_erasing_needs_a_yes(as_alice: Fnrun, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    assert as_alice("erase", RUN_ID).code == Exit.USAGE
    answers(monkeypatch, "n\n")
    assert as_alice("erase", RUN_ID).code == Exit.NOT_WELL
    assert not any(run.erased_at for run in api.world.runs.runs.values())
    assert as_alice("erase", RUN_ID, "--yes", "-o", "json").document == [{"runId": RUN_ID, "erased": True}]


def test_a_lineage_is_erased_as_a_whole_asked_by_any_run_of_it(as_alice: Fnrun, api: Api) -> None:
    original = api.world.runs.runs[RUN_ID]
    rerun = api.world.has_run(a_rerun(original, id=an_id(6)))
    api.world.has_run(a_rerun(rerun, id=an_id(7)))
    ended = as_alice("erase", an_id(7), "--lineage", "--yes")
    assert (ended.code, ended.stderr) == (Exit.DONE, "All 3 runs are erased.\n")
    assert [line.split()[0] for line in ended.stdout.splitlines()] == [RUN_ID, an_id(6), an_id(7)]
    assert all(run.erased_at for run in api.world.runs.runs.values())


def test_a_lineage_of_which_something_is_not_erased_says_so(
    as_alice: Fnrun, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.world.has_run(a_rerun(api.world.runs.runs[RUN_ID], id=an_id(6)))
    monkeypatch.setenv("FNRUN_TOKEN", api.token("bob", "acme/function-runs:read"))
    ended = as_alice("erase", RUN_ID, "--lineage", "--yes")
    assert (ended.code, ended.stdout) == (Exit.NOT_PERMITTED, "")
    assert ended.stderr.splitlines()[-1] == "fnrun: Not all is erased. Next: the same command again"
    assert not any(run.erased_at for run in api.world.runs.runs.values())


def test_a_re_run_that_comes_while_its_lineage_is_erased_is_not_passed_over(
    as_alice: Fnrun, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, erase = api.world.runs.runs[RUN_ID], Client.erase

    def rerun_then_erase(client: Client, run_id: str) -> None:
        api.world.has_run(a_rerun(original, id=an_id(6)))
        erase(client, run_id)

    monkeypatch.setattr(Client, "erase", rerun_then_erase)
    ended = as_alice("erase", RUN_ID, "--lineage", "--yes")
    assert (ended.code, ended.stdout) == (Exit.NOT_WELL, f"{RUN_ID}  erased\n")
    assert "1 re-runs have come meanwhile, and are not erased. Next: the same command again" in ended.stderr
    monkeypatch.setattr(Client, "erase", erase)
    assert as_alice("erase", RUN_ID, "--lineage", "--yes").code == Exit.DONE


def test_ids_may_be_typed_by_their_beginning_once_they_were_listed(as_alice: Fnrun, api: Api) -> None:
    a_failed_run(api)
    api.world.has_run(a_run(id=an_id(6)))
    assert "No run that was listed lately begins with 550e" in as_alice("runs", "show", "550e").stderr
    as_alice("runs", "list")
    assert as_alice("runs", "show", "550E", "-o", "json").document["id"] == RUN_ID
    ambiguous = as_alice("runs", "show", "00000000-0000")
    assert ambiguous.code == Exit.USAGE
    assert "2 runs begin with 00000000-0000. Next: type more of it: " in ambiguous.stderr
    job_id = as_alice("rerun", FAILED, "--yes").stdout.split()[0]
    assert as_alice("runs", "show", job_id[:8], "-o", "json").document["id"] == job_id
    assert reruns_of(api)[0].id == job_id


def test_the_cache_holds_no_content_and_is_for_its_owner_only(as_alice: Fnrun, api: Api, tmp_path: Path) -> None:
    a_failed_run(api)
    as_alice("rerun", FAILED, "--yes", "--set", f"mode={SECRET}", "--reason", SECRET)
    as_alice("execute", "import now", "--set", f"mode={SECRET}")
    as_alice("runs", "list")
    as_alice("runs", "show", FAILED, "--reveal")
    [cache] = (tmp_path / "config").glob("completion*")
    assert stat.S_IMODE(cache.stat().st_mode) == 0o600
    text = cache.read_text()
    assert SECRET not in text
    assert "strict" not in text
    assert os.environ["FNRUN_TOKEN"] not in text
    [scope] = json.loads(text)["scopes"]
    assert set(scope) == {"url", "workspace", "profile", "runs", "functions", "triggers"}


def test_a_cache_that_cannot_be_written_is_done_without(as_alice: Fnrun, tmp_path: Path) -> None:
    (tmp_path / "config" / "completion.json").mkdir(parents=True)
    assert as_alice("runs", "list").code == Exit.DONE


def test_a_world_without_runs_says_how_to_start_one(as_alice: Fnrun, api: Api) -> None:
    api.world.runs.runs.clear()
    assert as_alice("runs", "list") == (Exit.DONE, "", "There are no runs yet: fnrun execute TRIGGER\n")
    assert as_alice("runs", "list", "-o", "json").document == []
