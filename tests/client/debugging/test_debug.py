"""`fnrun debug`: a run is brought here, executed here if its caller agrees, and compared."""

import json
import socket
from pathlib import Path
from typing import Any

import pytest
from fnrun.errors import Exit

from handlers.domain.runs.run import Status
from tests.builders import FUNCTION_ARN, FUNCTION_ID
from tests.client.cli import Ended, Fnrun
from tests.client.debugging.conftest import PINNED, Recorded

BROKEN = "def handler(order, context):\n    print('at work')\n    return {'average': 10 / order['quantity']}\n"
FIXED = BROKEN.replace("order['quantity']", "max(1, order['quantity'])")
ORDER = {"quantity": 0, "email": "a-secret@example.com"}


def division_by_zero(function: str = "handler", file: str = "/var/task/app.py") -> dict[str, Any]:
    return {
        "errorType": "ZeroDivisionError",
        "errorMessage": "division by zero",
        "stackTrace": [f'  File "{file}", line 30, in {function}\n    a / b\n'],
    }


@pytest.fixture
def run(recorded: Recorded) -> str:
    recorded.deploy(BROKEN)
    return recorded.executed(ORDER, error=division_by_zero())


def folder_of(run: str) -> Path:
    return Path(f"RUN-{run[:8]}")


def test_a_failure_is_repeated_here_and_agrees(fnrun: Fnrun, run: str) -> None:
    answer = fnrun("debug", run, "--yes")
    assert answer.code == Exit.DONE, answer.stderr
    assert [line.split() for line in answer.stdout.splitlines()] == [
        ["status", "error", "in"],
        ["here", "failure", "ZeroDivisionError", "handler", "in", "app.py"],
        ["recorded", "failure", "ZeroDivisionError", "handler", "in", "app.py"],
    ]
    assert "This calls app.handler of orders-import:7 HERE, on this machine, with " in answer.stderr
    assert "no AWS credentials" in answer.stderr
    assert "They agree.\n" in answer.stderr
    assert "a-secret" not in answer.stdout + answer.stderr
    folder = folder_of(run)
    assert sorted(each.name for each in folder.iterdir()) == [
        *("code", "env.example", "event.json", "layers", "run.json")
    ]
    assert json.loads((folder / "event.json").read_text()) == ORDER


def test_without_an_answer_nothing_is_opened_fetched_or_called(fnrun: Fnrun, recorded: Recorded, run: str) -> None:
    answer = fnrun("debug", run)
    assert answer.code == Exit.USAGE
    assert answer.stderr.splitlines()[-1].endswith("Next: add --yes")
    assert not folder_of(run).exists()
    assert recorded.reveals() == 0


def test_as_json_the_outcome_is_one_document(fnrun: Fnrun, run: str) -> None:
    answer = fnrun("debug", run, "--yes", "-o", "json", "--directory", "here")
    document = answer.document
    assert document.pop("outcome")["error"]["stackTrace"][0].startswith('  File "/var/task/app.py", line 3, in handler')
    assert document.pop("runtime").startswith("python3.")
    assert document == {
        "runId": run,
        "directory": str(Path.cwd() / "here"),
        "code": str(Path.cwd() / "here" / "code"),
        "functionVersionArn": PINNED,
        "handler": "app.handler",
        "recorded": {"status": "failure", "errorCode": "ZeroDivisionError"},
        "executedHere": True,
        "agrees": True,
        "differs": [],
        "differences": [],
        "notCompared": [],
    }


def test_what_was_changed_in_the_folder_is_called_again_and_differs(fnrun: Fnrun, run: str) -> None:
    assert fnrun("debug", run, "--no-run").code == Exit.DONE
    (folder_of(run) / "code" / "app.py").write_text(FIXED)
    answer = fnrun("debug", run, "--yes")
    assert answer.code == Exit.NOT_WELL
    assert 'Result here: {"average": 10.0}\nThey differ: in how they ended.\n' in answer.stderr


def test_latest_is_the_current_code_in_a_folder_of_its_own_and_code_is_ones_own(
    fnrun: Fnrun, recorded: Recorded, run: str
) -> None:
    recorded.deploy(FIXED, FUNCTION_ARN)
    latest = fnrun("debug", run, "--latest", "--yes", "-o", "json").document
    assert (latest["functionVersionArn"], latest["outcome"]["status"]) == (f"{FUNCTION_ARN}:$LATEST", "completed")
    (folder,) = folder_of(run).glob("latest-*/code")
    assert (folder / "app.py").read_text() == FIXED
    Path("mine").mkdir()
    Path("mine/app.py").write_text("def handler(order, context): return 'mine'")
    mine = fnrun("debug", run, "--code", "mine", "--yes", "-o", "json").document
    assert (mine["functionVersionArn"], mine["outcome"]["result"]) == (PINNED, "mine")
    assert not (folder_of(run) / "code").exists()


def test_a_result_is_compared_but_for_what_the_function_says_differs(fnrun: Fnrun, recorded: Recorded) -> None:
    recorded.deploy("def handler(event, context): return {'id': context.aws_request_id, 'n': [1, 1.0, True], 'x': 2}")
    run = recorded.executed({}, result={"id": "another", "n": [1.0, 1, 1]})
    function = recorded.api.world.registry.functions[FUNCTION_ID]
    recorded.api.world.registry.functions[FUNCTION_ID] = function.evolve(ignore_differences=["/id"])
    answer = fnrun("debug", run, "--yes")
    assert answer.code == Exit.NOT_WELL
    assert answer.stdout.splitlines()[-2:] == ["  ~ /n/2  1 → true", "  + /x    2"]
    recorded.api.world.registry.functions[FUNCTION_ID] = function.evolve(ignore_differences=["/id", "/x", "/n/2"])
    assert fnrun("debug", run, "--yes").code == Exit.DONE


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (division_by_zero("total"), "They differ: the error was raised in other functions."),
        (division_by_zero(file="/var/task/old.py"), "They differ: the error was raised in other functions."),
        ({"errorType": "KeyError", "errorMessage": "'a'"}, "They differ: in the type of the error."),
        ({"errorType": "Sandbox.Timedout", "errorMessage": "t"}, "They differ: in how they ended."),
    ],
)
def test_how_an_outcome_differs_is_said(fnrun: Fnrun, recorded: Recorded, error: dict[str, Any], sentence: str) -> None:
    recorded.deploy(BROKEN)
    answer = fnrun("debug", recorded.executed(ORDER, error=error), "--yes")
    assert answer.code == Exit.NOT_WELL
    assert sentence in answer.stderr


def test_parameters_that_are_too_large_to_be_shown_with_the_result_come_alone(fnrun: Fnrun, recorded: Recorded) -> None:
    recorded.deploy("def handler(event, context): return len(event['text'])")
    run = recorded.executed({"text": "x" * 2_500_000}, result="y" * 2_500_000)
    answer = fnrun("debug", run, "--yes")
    assert answer.code == Exit.DONE, answer.stderr
    assert "The recorded result was not shown, so only the status was compared." in answer.stderr


def test_its_variables_come_from_a_file_and_without_one_they_are_missed(fnrun: Fnrun, recorded: Recorded) -> None:
    environment = {"Variables": {"TABLE": "of-production"}}
    recorded.deploy("import os\ndef handler(event, context): return os.environ.get('TABLE')", Environment=environment)
    run = recorded.executed({}, result="mine")
    answer = fnrun("debug", run, "--yes")
    assert "The function has 1 environment variables and gets none of them: see " in answer.stderr
    example = folder_of(run) / "env.example"
    assert "of-production" not in example.read_text()
    Path("env").write_text(example.read_text().replace("TABLE=", "TABLE=mine"))
    answer = fnrun("debug", run, "--yes", "--env-file", "env")
    assert (answer.code, "gets none of them" in answer.stderr) == (Exit.DONE, False)


def test_credentials_are_given_only_when_a_profile_is_named_and_that_is_said(
    fnrun: Fnrun, recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded.deploy("import os\ndef handler(event, context): return os.environ.get('AWS_ACCESS_KEY_ID')")
    run = recorded.executed({}, result=None)
    assert fnrun("debug", run, "--yes").code == Exit.DONE
    Path("credentials").write_text("[mine]\naws_access_key_id = key-of-mine\naws_secret_access_key = s\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "credentials")
    answer = fnrun("debug", run, "--yes", "--with-credentials", "mine")
    assert "It gets the AWS credentials of the profile mine" in answer.stderr
    assert 'Result here: "key-of-mine"' in answer.stderr


def test_another_runtime_is_not_called_here_but_in_aws_s_image(fnrun: Fnrun, recorded: Recorded) -> None:
    recorded.deploy("", Runtime="nodejs22.x", Handler="index.handler")
    run = recorded.executed(ORDER, result=1)
    answer = fnrun("debug", run)
    assert answer.code == Exit.DONE, answer.stderr
    start, send = answer.stdout.splitlines()
    assert start.startswith("docker run --rm ")
    assert start.endswith(" public.ecr.aws/lambda/nodejs:22 index.handler")
    assert send.startswith("curl ")
    assert "It is not executed here: its runtime is nodejs22.x." in answer.stderr
    assert "a-secret" not in answer.stdout + answer.stderr
    assert fnrun("debug", run, "-o", "json").document["docker"] == {"start": start, "send": send}
    refused = fnrun("debug", run, "--debugpy", "5678", "--yes")
    assert refused.stderr.endswith("It cannot be debugged here: its runtime is nodejs22.x. Next: leave out --debugpy\n")


def test_docker_is_printed_for_any_function_that_has_an_image(fnrun: Fnrun, run: str) -> None:
    answer = fnrun("debug", run, "--docker")
    assert answer.code == Exit.DONE
    assert answer.stdout.startswith("docker run --rm ")
    assert "HERE" not in answer.stderr


def test_a_debugger_that_is_not_installed_is_said_before_anything_is_called(fnrun: Fnrun, run: str) -> None:
    answer = fnrun("debug", run, "--debugpy", "5678", "--yes")
    assert answer.code == Exit.NOT_WELL
    assert answer.stderr.rstrip().endswith("-m pip install debugpy")
    assert not folder_of(run).exists()


def test_a_port_that_is_taken_is_said_before_anything_is_called(
    fnrun: Fnrun, run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fnrun.debugging.debug.imports", lambda *_: True)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        answer = fnrun("debug", run, "--debugpy", str(port), "--yes")
    assert answer.stderr == f"fnrun: Port {port} is taken. Next: name another one\n"
    assert not folder_of(run).exists()


def test_a_place_that_cannot_be_written_to_is_one_line(fnrun: Fnrun, run: str) -> None:
    Path("file").touch()
    for command in (["debug", run, "--no-run", "-d", "file/below"], ["export-test", run, "--into", "file/below"]):
        answer = fnrun(*command)
        assert answer.stderr == (
            f"fnrun: Nothing can be written to {Path.cwd() / command[-1] if command[0] == 'debug' else command[-1]} "
            "(Not a directory). Next: choose another place, or make room\n"
        )


def test_the_folder_alone_says_how_to_go_on(fnrun: Fnrun, recorded: Recorded, run: str) -> None:
    recorded.deploy(FIXED, FUNCTION_ARN)
    answer = fnrun("debug", run, "--no-run", "--latest", "-d", "here")
    assert answer.stderr.endswith(f"Next: fnrun debug {run} --latest --directory here\n")
    assert fnrun("debug", run, "--no-run", "-o", "json").document["docker"] is None


def last_line(answer: Ended) -> str:
    return answer.stderr.splitlines()[-1].removeprefix("fnrun: ")


def test_what_cannot_be_brought_is_one_line(fnrun: Fnrun, recorded: Recorded, run: str) -> None:
    pending = recorded.pending({})
    assert last_line(fnrun("debug", pending)) == (
        f"Which version executes run {pending} is not known: it is pending and was not executed. "
        f"Next: fnrun runs watch {pending}, or fnrun debug {pending} --latest"
    )
    runs = recorded.api.world.runs.runs
    runs[pending] = runs[pending].evolve(status=Status.CANCELLED, reported_version="$LATEST")
    assert last_line(fnrun("debug", pending)).startswith(
        f"Run {pending} was executed by $LATEST, and which code that was then is not recorded. Next: fnrun debug"
    )
    runs[pending] = runs[pending].evolve(parameters_omitted="It was too large.")
    assert last_line(fnrun("debug", pending)).startswith(f"Run {pending} has no parameters: It was too large. Next: ")
    runs[pending] = runs[pending].evolve(erased_at=runs[run].created_at)
    assert last_line(fnrun("debug", pending)).startswith(f"What run {pending} held is erased. Next: ")
    recorded.aws.add_function(PINNED, b"", PackageType="Image")
    assert " is a container image, and its code is in that. Next: docker pull " in last_line(fnrun("debug", run))
    del recorded.aws.answers[f"/2015-03-31/functions/{PINNED}"]
    assert last_line(fnrun("debug", run)).startswith(f"{PINNED} no longer exists in AWS. Next: fnrun debug ")
    assert last_line(fnrun("debug", run, "--code", "nowhere")).startswith("nowhere is not a folder. Next: ")
    assert recorded.reveals() == 0


def test_of_a_captured_run_the_current_code_can_be_brought(fnrun: Fnrun, recorded: Recorded) -> None:
    recorded.deploy(FIXED, FUNCTION_ARN)
    run = recorded.pending({"quantity": 5})
    runs = recorded.api.world.runs.runs
    runs[run] = runs[run].evolve(status=Status.CANCELLED, reported_version="$LATEST")
    answer = fnrun("debug", run, "--latest", "--yes")
    assert answer.code == Exit.DONE, answer.stderr
    assert "There is no outcome of the function to compare with." in answer.stderr


def test_without_the_grant_to_reveal_nothing_is_brought(
    fnrun: Fnrun, recorded: Recorded, run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FNRUN_TOKEN", recorded.api.token("eve", "acme/function-runs:read"))
    answer = fnrun("debug", run, "--yes")
    assert answer.code == Exit.NOT_PERMITTED, answer.stderr
    assert not folder_of(run).exists()


def test_code_that_is_not_the_run_s_is_said(fnrun: Fnrun, recorded: Recorded, run: str) -> None:
    runs = recorded.api.world.runs.runs
    pin = runs[run].pin
    assert pin is not None
    runs[run] = runs[run].evolve(pin=pin.evolve(function_code_hash="another"))
    assert "This is not the code that the run was executed by" in fnrun("debug", run, "--no-run").stderr


def test_a_package_of_the_runtime_that_is_missing_here_is_not_the_function_s_fault(
    fnrun: Fnrun, recorded: Recorded
) -> None:
    recorded.deploy("raise ImportError(\"No module named 'awslambdaric'\")")
    run = recorded.executed({}, result=1)
    answer = fnrun("debug", run, "--yes")
    assert "AWS's runtime has awslambdaric, and this Python does not. Next: " in answer.stderr
