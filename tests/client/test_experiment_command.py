"""`fnrun experiment`: it asks, starts, follows, and says in words what made the difference."""

from typing import Any

import pytest
from fnrun.errors import Exit

from handlers.domain.runs.outcome import Outcome
from handlers.domain.runs.run import FunctionRun, Pin, Status
from tests.builders import FUNCTION_ARN, a_function, a_pin, an_id
from tests.client.cli import Fnrun
from tests.client.failing import answers
from tests.client.server import Api
from tests.fakes.services import FakeInvoker

FAILURE = Outcome(Status.FAILURE, error_code="OrderInvalid", error=b'{"errorType":"OrderInvalid","stackTrace":[]}')
WELL = Outcome(Status.COMPLETED, result=b'{"ok":true}')
SOURCE, STAGING = an_id(31), an_id(32)


class Versions(FakeInvoker):
    """The function, whose versions end differently. Each ends as the last of its outcomes, once the others are used."""

    def __init__(self, **outcomes: list[Outcome]) -> None:
        super().__init__()
        self._outcomes = outcomes

    def invoke(self, pin: Pin, _parameters: bytes, _run: FunctionRun) -> Outcome:
        outcomes = self._outcomes[f"v{pin.function_version}"]
        return outcomes.pop(0) if len(outcomes) > 1 else outcomes[0]


@pytest.fixture
def source(as_alice: Fnrun, api: Api) -> str:
    """A run that has failed on version 7; today's code is version 8."""
    api.world.invoker = Versions(v7=[FAILURE], v8=[WELL])
    run_id: str = as_alice("execute", "import now", "-o", "json").document["jobId"]
    api.execute_pending()
    assert api.world.run(run_id).status is Status.FAILURE
    api.world.code.now[FUNCTION_ARN] = a_pin(8)
    return run_id


def experiment_on(fnrun: Fnrun, api: Api, source: str, *options: str) -> Any:
    with api.executing():
        return fnrun("experiment", source, "--yes", *options)


def test_of_a_recovered_run_the_next_step_is_not_one_that_is_refused(as_alice: Fnrun, api: Api, source: str) -> None:
    with api.executing():
        assert as_alice("rerun", source, "--latest", "--yes", "--wait").code == Exit.DONE
    shown = experiment_on(as_alice, api, source)
    assert f"fnrun rerun {source} --latest --even-if-recovered (it is recovered already)" in shown.stdout


def test_the_code_made_the_difference(as_alice: Fnrun, api: Api, source: str) -> None:
    shown = experiment_on(as_alice, api, source, "--reason", "Was it\x1b[2J the fix?")
    assert shown.code == Exit.DONE
    lines = shown.stdout.splitlines()
    assert lines[1] == f"of run      {source}"
    assert lines[2].endswith(" by alice")
    assert lines[3] == "reason      Was it\\u001b[2J the fix?"
    sides = [line.split() for line in lines if line.startswith(("pinned  ", "candidate  "))]
    assert [(side[0], side[1], side[3], "OrderInvalid" in side) for side in sides if len(side) > 4] == [
        ("pinned", "7", "failure", True),
        ("pinned", "7", "failure", True),
        ("candidate", "8", "completed", False),
        ("candidate", "8", "completed", False),
    ]
    assert lines[-3:] == [
        "verdict: code",
        "The code makes the difference: the version of the run still does what the run did, the candidate does not.",
        f"Next: if the candidate is right, this proves the fix: fnrun rerun {source} --latest",
    ]
    assert "4 of 4: candidate " in shown.stderr


def test_json_is_the_document_of_the_api(as_alice: Fnrun, api: Api, source: str) -> None:
    document = experiment_on(as_alice, api, source, "-o", "json", "--repeats", "3", "--ignore", "/at").document
    assert (document["verdict"], document["repeats"], document["ignore"]) == ("code", 3, ["/at"])
    [sent] = [each.json for each in api.requests if each.path.endswith("/experiments")]
    assert sent == {"repeats": 3, "ignore": ["/at"]}


def test_it_asks_how_often_the_function_may_be_executed(
    as_alice: Fnrun, api: Api, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers(monkeypatch, "n\n")
    refused = as_alice("experiment", "--repeats", "5", source)
    assert refused.code == Exit.NOT_WELL
    assert (
        f"Execute the input of {source} 10 times, 5 on its version and 5 on today's code of the same function?"
        in refused.stderr
    )
    assert len(api.world.runs.runs) == 2  # the source, and the run that is there from the beginning


def test_without_a_terminal_it_asks_for_yes(as_alice: Fnrun, source: str) -> None:
    assert as_alice("experiment", source).stderr.endswith("Next: add --yes\n")


def test_without_waiting_its_id_is_printed_and_it_can_be_shown_later(as_alice: Fnrun, api: Api, source: str) -> None:
    started = as_alice("experiment", "start", source, "--yes", "--no-wait")
    experiment_id = started.stdout.strip()
    assert f"fnrun experiment show {source} {experiment_id}" in started.stderr
    is_open = as_alice("experiment", "show", source)
    assert is_open.code == Exit.NOT_WELL
    assert f"Next: ask again: fnrun experiment show {source} {experiment_id}" in is_open.stdout
    api.execute_pending()
    shown = as_alice("experiment", "show", source, experiment_id, "-o", "json")
    assert (shown.code, shown.document["verdict"]) == (Exit.DONE, "code")
    own_run = shown.document["candidate"][0]["id"]
    assert as_alice("experiment", "show", own_run, "-o", "json").document["id"] == experiment_id


def test_a_run_without_an_experiment_says_how_to_start_one(as_alice: Fnrun, source: str) -> None:
    refused = as_alice("experiment", "show", source)
    assert refused.stderr == f"fnrun: No experiment is known of this run. Next: start one: fnrun experiment {source}\n"


def test_each_verdict_and_each_reason_is_said_in_words(as_alice: Fnrun, api: Api, source: str) -> None:
    api.world.invoker = Versions(v7=[WELL, FAILURE], v8=[FAILURE])
    flaky = experiment_on(as_alice, api, source)
    assert (flaky.code, "One side does not agree with itself" in flaky.stdout) == (Exit.DONE, True)
    nowhere = experiment_on(as_alice, api, source, "--candidate-version", "99")
    assert nowhere.code == Exit.NOT_WELL
    assert "verdict: inconclusive\nIt cannot be said.\nA run was not executed to its end" in nowhere.stdout


def test_without_the_grant_the_runs_are_shown_and_the_verdict_is_not(
    as_alice: Fnrun, api: Api, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    grants = ["acme/function-triggers:execute", "acme/function-runs:read"]
    monkeypatch.setenv("FNRUN_TOKEN", api.token("bob", *grants))
    shown = experiment_on(as_alice, api, source)
    assert shown.code == Exit.NOT_PERMITTED
    assert "verdict: none\n" in shown.stdout
    assert "Next: ask somebody with the grant function-runs:reveal" in shown.stdout


def test_the_candidate_may_be_another_function_by_its_name(as_alice: Fnrun, api: Api, source: str) -> None:
    staging = FUNCTION_ARN.replace("orders-import", "orders-staging")
    api.world.registry.functions[STAGING] = a_function(id=STAGING, name="staging", function_arn=staging)
    api.world.code.now[staging] = a_pin(8)
    shown = experiment_on(as_alice, api, source, "--candidate-function", "staging")
    assert f"candidate   today's code of function {STAGING}\n" in shown.stdout


def test_interrupted_it_says_what_goes_on(
    as_alice: Fnrun, api: Api, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("function_rerun.Client.wait", interrupted)
    ended = as_alice("experiment", source, "--yes")
    assert ended.code == Exit.INTERRUPTED
    assert f" is an experiment with {source}\nfnrun: Interrupted: the experiment " in ended.stderr
    assert f"goes on. Next: fnrun experiment show {source} " in ended.stderr


@pytest.mark.parametrize("typed", [["experiment", "--help"], ["experiment"]])
def test_the_group_has_its_own_help(fnrun: Fnrun, typed: list[str]) -> None:
    assert "\n  show " in fnrun(*typed).stdout
