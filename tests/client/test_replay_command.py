"""`fnrun replay`: which runs it takes, what it executes, what it says of each, and how it ends."""

from collections import Counter
from datetime import timedelta
from itertools import cycle
from typing import Any

import pytest
from fnrun.errors import Exit
from fnrun.replaying.cases import Case, exit_of, tally
from function_rerun import Client

from tests.builders import FUNCTION_ARN, NOW, a_function, a_pin, a_run, an_id
from tests.client.cli import Fnrun
from tests.client.failing import answers
from tests.client.faults import ANSWER_LOST, Fault, unavailable
from tests.client.replays import FUNCTION, Versions, executions, failure, replayed, with_runs
from tests.client.server import Api

GONE = Fault(processed=False, answered="closed")


def started(api: Api) -> list[str]:
    """The runs with which an experiment was asked for, in this order."""
    return [each.path.split("/")[-2] for each in api.requests if each.method == "POST" and "/experiments" in each.path]


def results(ended: Any) -> dict[str, tuple[str, str]]:
    return {each["runId"]: (each["result"], each["verdict"]) for each in ended.document["runs"]}


def test_a_candidate_that_does_the_same_ends_with_zero(as_alice: Fnrun, api: Api) -> None:
    runs = with_runs(as_alice, api, 3)
    ended = replayed(as_alice, api)
    assert ended.code == Exit.DONE
    rows = [line.split() for line in ended.stdout.splitlines()[1:4]]
    assert rows == [[run, "same", "same", "completed", "7:", "completed", "8:", "completed"] for run in runs]
    assert ended.stdout.splitlines()[-1] == "same 3 of 3; candidate: today's code"
    assert executions(api) == sorted((version, n) for version in (7, 8) for n in range(3) for _ in range(2))


def test_what_is_executed_is_said_also_where_nobody_is_asked(as_alice: Fnrun, api: Api) -> None:
    with_runs(as_alice, api, 3)
    said = replayed(as_alice, api, "--repeats", "3", "--candidate", "8").stderr.splitlines()
    assert said[0] == (
        f"3 inputs of {FUNCTION}: 18 executions, 9 of {FUNCTION} on the runs' own versions and 9 on version 8. They are "
        "real: what the code charges, mails and writes, it does each time."
    )
    assert said[2].startswith("1 of 3: ")


def test_it_asks(as_alice: Fnrun, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    with_runs(as_alice, api, 2)
    assert as_alice("replay", "--function", FUNCTION).stderr.endswith("Next: add --yes\n")
    answers(monkeypatch, "n\n")
    refused = as_alice("replay", "--function", FUNCTION)
    assert refused.code == Exit.NOT_WELL
    assert "Execute it 8 times? [y/N]" in refused.stderr
    assert started(api) == []


def test_a_candidate_that_does_otherwise_ends_with_one(as_alice: Fnrun, api: Api) -> None:
    [_, differs, _] = with_runs(as_alice, api, 3, v8=lambda n: failure() if n == 1 else n)
    ended = replayed(as_alice, api)
    assert ended.code == Exit.NOT_WELL
    assert f"\n{differs}  different  code     completed  7: completed  8: failure OrderInvalid\n" in ended.stdout
    assert "\nsame 2, different 1 of 3; candidate: today's code\nNext: fnrun compare " in ended.stdout
    compared = as_alice(*ended.stdout.splitlines()[-1].removeprefix("Next: fnrun ").split())
    assert compared.code == Exit.DONE


def test_each_verdict_has_its_result_and_is_shown(as_alice: Fnrun, api: Api) -> None:
    """`world`: the run's own code, executed now, does what the candidate does. That is no regression."""
    at_random = cycle([1, 2])
    v8 = {0: 0, 1: "new", 2: "another", 3: "elsewhere", 4: 4}
    v7 = {0: 0, 1: 1, 2: "another", 3: "moved", 4: 4}
    runs = with_runs(as_alice, api, 5)
    versions = {7: lambda n: v7[n], 8: lambda n: next(at_random) if n == 4 else v8[n]}
    api.world.invoker = Versions(versions)
    ended = replayed(as_alice, api, "-o", "json")
    assert ended.code == Exit.NOT_WELL
    assert list(results(ended).values()) == [
        ("flaky", "flaky"),
        ("different", "code-and-world"),
        ("same", "world"),
        ("different", "code"),
        ("same", "same"),
    ]
    assert list(results(ended)) == runs


def test_runs_without_a_clear_verdict_end_with_seven_if_none_is_different(as_alice: Fnrun, api: Api) -> None:
    at_random = cycle([1, 2])
    [flaky, _] = with_runs(as_alice, api, 2, v8=lambda n: next(at_random) if n == 1 else n)
    ended = replayed(as_alice, api)
    assert ended.code == Exit.UNDECIDED
    assert f"\nNext: fnrun experiment show {flaky} " in ended.stdout


def test_the_document_has_all_of_it(as_alice: Fnrun, api: Api) -> None:
    [run, *_] = with_runs(as_alice, api, 3)
    ended = replayed(as_alice, api, "--last", "1", "-o", "json")
    document = ended.document
    [case] = document.pop("runs")
    assert document.pop("replayId") in ended.stderr
    assert document == {
        "functionId": a_function().id,
        "candidate": {"functionId": None, "version": "latest"},
        "repeats": 2,
        "executions": 4,
        "summary": {"same": 1, "different": 0, "flaky": 0, "inconclusive": 0, "open": 0},
        "skipped": {},
    }
    assert (case["runId"], case["result"], case["verdict"], case["reasons"]) == (run, "same", "same", [])
    assert [each["functionVersion"] for each in (*case["pinned"], *case["candidate"])] == ["7", "7", "8", "8"]


def test_effects_are_never_those_of_the_run(as_alice: Fnrun, api: Api) -> None:
    with_runs(as_alice, api, 2)
    replayed(as_alice, api, "--reason", "Is 8 good?", "--ignore", "/at", "--candidate", "8")
    sent = [each for each in api.requests if each.method == "POST" and each.path.endswith("/experiments")]
    asked = {"repeats": 2, "candidateVersion": "8", "ignore": ["/at"], "reason": "Is 8 good?"}
    assert [each.json for each in sent] == [asked, asked]
    assert len({each.headers["idempotency-key"] for each in sent}) == 2
    experiments = [run for run in api.world.runs.runs.values() if run.experiment_id]
    assert {run.effect_key for run in experiments} == {None}  # each its own


def test_the_candidate_may_be_another_function(as_alice: Fnrun, api: Api) -> None:
    with_runs(as_alice, api, 2)
    arn = FUNCTION_ARN.replace("orders-import", "orders-staging")
    api.world.registry.functions[an_id(32)] = a_function(id=an_id(32), name="staging", function_arn=arn)
    api.world.code.now[arn] = a_pin(9)
    ended = replayed(as_alice, api, "--candidate-function", "staging")
    assert ended.code == Exit.DONE
    assert "4 on today's code of staging. They are real" in ended.stderr
    assert {version for version, _ in executions(api)} == {7, 9}


def test_runs_that_an_experiment_could_say_nothing_about_are_left_out(as_alice: Fnrun, api: Api) -> None:
    runs = with_runs(as_alice, api, 2)
    unusable: list[dict[str, Any]] = [
        {"status": "pending", "not_before": NOW + timedelta(days=10_000)},
        {"status": "running"},
        {"status": "cancelled"},
        {"status": "failure", "error_code": "FunctionNotFound", "error_source": "service"},
        {"result_omitted": True},
        {"erased_at": a_run().created_at},
        {"execution_source": "orchestration", "orchestration_id": "wf-1"},
        {"parameters_omitted": "too large"},
        {"pin": None},
    ]
    for number, changes in enumerate(unusable):
        newest = api.world.run(runs[0]).created_at
        api.world.has_run(a_run(id=an_id(100 + number), created_at=newest, **changes))
    ended = replayed(as_alice, api, "-o", "json", "--last", "2")
    assert (ended.code, [*results(ended)]) == (Exit.DONE, runs)
    assert ended.document["skipped"] == {
        "open": 2,
        "no-outcome": 3,
        "erased": 1,
        "workflow": 1,
        "no-parameters": 1,
        "version-unknown": 1,
    }
    assert "Skipped 9: 3 without an outcome of the function that was kept, 2 not ended yet, 1 " in (
        replayed(as_alice, api).stderr
    )


def test_a_run_that_is_refused_alone_is_replaced_by_the_next(as_alice: Fnrun, api: Api) -> None:
    [full, *others] = with_runs(as_alice, api, 3)
    api.world.runs.max_reruns = 7
    assert as_alice("experiment", full, "--yes", "--no-wait").code == Exit.DONE
    api.execute_pending()
    ended = replayed(as_alice, api, "--last", "2", "-o", "json")
    assert (ended.code, [*results(ended)], ended.document["skipped"]) == (Exit.DONE, others, {"RERUN_LIMIT_REACHED": 1})


@pytest.mark.parametrize("output", ["table", "json"])
def test_nothing_to_replay_has_its_own_code(as_alice: Fnrun, api: Api, output: str) -> None:
    with_runs(as_alice, api, 0)
    ended = replayed(as_alice, api, "-o", output)
    assert ended.code == Exit.NOTHING_THERE
    assert ended.stderr.startswith(f"No run of {FUNCTION} can be replayed. Next: fnrun runs list ")
    assert output == "table" or ended.document["runs"] == []


def test_only_runs_that_ended_so_are_taken(as_alice: Fnrun, api: Api) -> None:
    runs = with_runs(as_alice, api, 3, v7=lambda n: n or failure())
    ended = replayed(as_alice, api, "--status", "failure", "-o", "json")
    assert results(ended) == {runs[-1]: ("different", "code")}


def test_who_is_not_shown_verdicts_executes_nothing(as_alice: Fnrun, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    with_runs(as_alice, api, 2)
    grants = ("function-triggers:execute", "function-runs:read", "compute-functions:read")
    monkeypatch.setenv("FNRUN_TOKEN", api.token("ci", *(f"acme/{each}" for each in grants)))
    refused = replayed(as_alice, api)
    assert refused.code == Exit.NOT_PERMITTED
    assert refused.stderr.endswith("you may not see content. Next: ask for the grant function-runs:reveal\n")
    assert started(api) == []


def test_a_version_that_there_is_not_is_seen_with_the_first_run(as_alice: Fnrun, api: Api) -> None:
    with_runs(as_alice, api, 5)
    ended = replayed(as_alice, api, "--candidate", "99")
    assert ended.code == Exit.UNDECIDED
    assert "fnrun: The candidate cannot be executed: " in ended.stderr
    assert len(started(api)) == 1


def test_not_more_than_so_many_are_open_at_a_time(as_alice: Fnrun, api: Api) -> None:
    with_runs(as_alice, api, 7)
    assert replayed(as_alice, api, "--at-once", "3").code == Exit.DONE
    is_open, most = 0, 0
    for each in api.requests:
        if "/experiments" in each.path:
            is_open += 1 if each.method == "POST" else -1
            most = max(most, is_open)
    assert (is_open, most) == (0, 3)


def test_a_lost_answer_starts_nothing_twice(as_alice: Fnrun, api: Api) -> None:
    with_runs(as_alice, api, 3)
    api.inject(ANSWER_LOST, Fault(), ANSWER_LOST, of="POST ")
    api.inject(ANSWER_LOST, unavailable("0"), of="GET /workspace/acme/api/v1/function-runs/")
    assert replayed(as_alice, api).code == Exit.DONE
    assert Counter(executions(api)) == {(version, n): 2 for version in (7, 8) for n in range(3)}


def test_it_goes_on_after_the_service_was_away(as_alice: Fnrun, api: Api) -> None:
    runs = with_runs(as_alice, api, 3)
    versions = api.world.invoker
    assert isinstance(versions, Versions)

    def goes_away(n: int) -> object:
        if len(versions.executed) == 1:
            api.gone_for(0.5)
        return n

    versions.behaviours[7] = goes_away
    ended = replayed(as_alice, api, "-o", "json")
    assert (ended.code, [*results(ended)]) == (Exit.DONE, runs)


def interrupt(api: Api, monkeypatch: pytest.MonkeyPatch, *, after: int) -> None:
    """Ctrl-C while it waits, once so many experiments were started."""
    wait = Client.wait

    def waits(client: Client, *args: Any, **options: Any) -> Any:
        if len(started(api)) >= after:
            monkeypatch.setattr(Client, "wait", wait)
            raise KeyboardInterrupt
        return wait(client, *args, **options)

    monkeypatch.setattr(Client, "wait", waits)


def test_interrupted_it_says_what_was_started_and_resumed_it_starts_the_rest(
    as_alice: Fnrun, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_runs(as_alice, api, 6)
    interrupt(api, monkeypatch, after=4)
    ended = replayed(as_alice, api, "--at-once", "3", "--last", "5")
    assert ended.code == Exit.INTERRUPTED
    assert [line.split()[1] for line in ended.stdout.splitlines()[1:5]] == ["same", "open", "open", "open"]
    last = ended.stderr.splitlines()[-1]
    assert last.startswith(
        "fnrun: Interrupted: of 5 runs 4 were started, 1 have a result; 3 go on. Next: the same command with --resume 2"
    )
    as_alice("execute", "import now", "--set", "n=99")  # newer than all that the replay has taken
    api.execute_pending()
    replay_id = last.split("--resume ")[1].split()[0]
    resumed = replayed(as_alice, api, "--last", "5", "--resume", replay_id)
    assert (resumed.code, resumed.stdout.splitlines()[-1]) == (Exit.DONE, "same 5 of 5; candidate: today's code")
    assert Counter(executions(api)) == {(v, n): 2 for v in (7, 8) for n in range(1, 6)} | {(8, 99): 1}


def test_with_other_options_it_is_not_resumed(as_alice: Fnrun, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    with_runs(as_alice, api, 2)
    interrupt(api, monkeypatch, after=1)
    document = replayed(as_alice, api, "-o", "json").document
    assert document["error"]["exitCode"] == Exit.INTERRUPTED
    refused = replayed(as_alice, api, "--repeats", "3", "--resume", document["replayId"])
    assert (refused.code, refused.stdout) == (Exit.REFUSED, "")
    assert refused.stderr.endswith("Next: give --resume the options that the replay had, or leave it out\n")


def test_what_takes_too_long_goes_on(as_alice: Fnrun, api: Api) -> None:
    with_runs(as_alice, api, 2)
    ended = as_alice("replay", "--function", FUNCTION, "--yes", "--timeout", "0.2")
    assert ended.code == Exit.UNKNOWN
    assert "fnrun: It has not ended in that time: of 2 runs 1 were started, 0 have a result; 1 go on. " in ended.stderr


def test_a_service_that_stays_away_ends_it_with_what_is_known(
    as_alice: Fnrun, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fnrun.connection.session._RETRY_SECONDS", 0.0)
    with_runs(as_alice, api, 3)
    api.inject(Fault(), GONE, of="POST ")
    ended = replayed(as_alice, api, "-o", "json")
    assert ended.code == Exit.UNKNOWN
    assert ended.document["summary"]["same"] == 1
    assert "it is not known whether an experiment with" in ended.document["error"]["message"].lower()
    replay_id = ended.document["replayId"]
    assert f"--resume {replay_id}" in ended.document["error"]["next"]
    assert replayed(as_alice, api, "--resume", replay_id).code == Exit.DONE
    assert Counter(executions(api)) == {(version, n): 2 for version in (7, 8) for n in range(3)}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--candidate", "$LATEST"], "--candidate is neither latest nor the number of a version"),
        (["--resume", "20261126"], "--resume is not the id of a replay"),
        (["--last", "0"], "--last"),
        (["--repeats", "1"], "--repeats"),
        (["--timeout", "soon"], "--timeout is not a duration"),
    ],
)
def test_wrong_options_are_said_before_anything_is_sent(
    as_alice: Fnrun, api: Api, options: list[str], said: str
) -> None:
    ended = as_alice("replay", "--function", FUNCTION, *options)
    assert (ended.code, said in ended.stderr, api.requests) == (Exit.USAGE, True, [])


def test_a_verdict_of_a_newer_service_is_no_agreement() -> None:
    case = Case({"id": "r", "functionVersion": "7"}, "e", [], {"verdict": "perhaps"})
    assert exit_of(tally([case])) is Exit.UNDECIDED
