"""`fnrun export-test`: which files it writes, what it takes out of them, and when it writes none."""

import json
from pathlib import Path
from typing import Any

import pytest
from fnrun.errors import Exit

from handlers.domain.runs.outcome import Outcome
from handlers.domain.runs.run import Status
from tests.builders import FUNCTION_ID
from tests.client.cli import Ended, Fnrun
from tests.client.debugging.conftest import Recorded

ORDER = {"orderId": "o-1", "customer": {"email": "ann@example.com"}, "items": [{"note": "for ann@example.com"}]}
ERROR = {"errorType": "KeyError", "errorMessage": "'ann@example.com'"}


def files_of(run: str, folder: str = "tests") -> tuple[Path, Path]:
    return Path(folder, f"test_run_{run[:8]}.py"), Path(folder, f"run_{run[:8]}.json")


def last_line(answer: Ended) -> str:
    return answer.stderr.splitlines()[-1].removeprefix("fnrun: ")


def test_a_failed_run_becomes_a_test_and_a_fixture_without_what_was_redacted(fnrun: Fnrun, recorded: Recorded) -> None:
    recorded.deploy("", Handler="src/app.handler")
    run = recorded.executed(ORDER, error=ERROR)
    answer = fnrun("export-test", run, "--redact", "/customer/email")
    assert answer.code == Exit.DONE, answer.stderr
    test, fixture = files_of(run)
    assert answer.stdout.split() == [str(test), str(fixture)]
    next_step = f"cd FOLDER_OF_THE_CODE && python -m pytest {test.absolute()}"
    assert answer.stderr.splitlines() == [
        "Redacted: /customer/email (1 place)",
        "Redacted, because a redacted text stood there: parameters/items/0/note",
        f"{fixture.name} holds the run's parameters, redacted: look at it before you commit it.",
        f"It should fail until the function is fixed. Next: {next_step}",
    ]
    written = json.loads(fixture.read_text())
    assert written["parameters"] == {
        "orderId": "o-1",
        "customer": {"email": "redacted-1"},
        "items": [{"note": "for redacted-1"}],
    }
    assert (written["handler"], written["redacted"]) == ("src/app.handler", ["/customer/email"])
    assert written["custom"]["functionRunId"] == run
    assert "/customer/email  (1 place)" in test.read_text()
    assert "ann@" not in test.read_text() + fixture.read_text()
    assert fixture.stat().st_mode & 0o777 == 0o600
    assert recorded.reveals() == 1


@pytest.mark.parametrize(
    ("code", "where"), [("src", ""), ("mine/src", "PYTHONPATH=mine "), ("RUN-{}/code/src", "PYTHONPATH=RUN-{}/code ")]
)
def test_the_next_step_works_as_it_is_where_the_code_is_found(
    fnrun: Fnrun, recorded: Recorded, code: str, where: str
) -> None:
    run = recorded.executed(ORDER, error=ERROR)
    folder = Path(code.format(run[:8]))
    folder.mkdir(parents=True)
    (folder / "app.py").touch()
    answer = fnrun("export-test", run, "--handler", "src/app.handler", "--into", "mine/tests")
    test = files_of(run, "mine/tests")[0]
    assert answer.stderr.endswith(f"Next: {where.format(run[:8])}python -m pytest {test}\n")


def test_of_a_completed_run_the_result_is_kept_and_redacted_too(fnrun: Fnrun, recorded: Recorded) -> None:
    run = recorded.executed(ORDER, result={"to": "ann@example.com", "at": 7, "phone": "1234"})
    function = recorded.api.world.registry.functions[FUNCTION_ID]
    recorded.api.world.registry.functions[FUNCTION_ID] = function.evolve(ignore_differences=["/at"])
    options = ["--handler", "app.handler", "--into", "elsewhere", "--ignore", "/x"]
    answer = fnrun("export-test", run, *options, "--redact", "/customer", "--redact", "/phone", "-o", "json")
    test, fixture = files_of(run, "elsewhere")
    assert answer.document == {
        "runId": run,
        "test": str(test),
        "fixture": str(fixture),
        "handler": "app.handler",
        "redacted": [{"pointer": "/customer", "places": 1}, {"pointer": "/phone", "places": 1}],
        "alsoRedacted": ["parameters/items/0/note", "result/to"],
    }
    written = json.loads(fixture.read_text())
    assert written["result"] == {"to": "redacted-1", "at": 7, "phone": "redacted-2"}
    assert written["ignored"] == ["/x", "/at"]


def test_files_that_are_there_are_replaced_only_with_force(fnrun: Fnrun, recorded: Recorded) -> None:
    run = recorded.executed(ORDER, error=ERROR)
    test, fixture = files_of(run)
    fixture.parent.mkdir()
    fixture.write_text("mine")
    options = ("export-test", run, "--handler", "app.handler")
    refused = fnrun(*options)
    assert (refused.code, last_line(refused)) == (
        Exit.USAGE,
        f"{fixture} is there already. Next: add --force to replace it",
    )
    assert (fixture.read_text(), test.exists(), recorded.reveals()) == ("mine", False, 0)
    Path("precious").write_text("mine")
    fixture.unlink()
    fixture.symlink_to(Path("precious").absolute())
    assert fnrun(*options, "--force").code == Exit.DONE
    assert json.loads(fixture.read_text())["runId"] == run
    assert Path("precious").read_text() == "mine"


def test_the_time_that_a_function_had_is_that_of_the_run(fnrun: Fnrun, recorded: Recorded) -> None:
    timed_out = {"errorType": "Sandbox.Timedout", "errorMessage": "m"}
    run = recorded.executed(ORDER, error=timed_out)
    runs = recorded.api.world.runs.runs
    runs[run] = runs[run].evolve(duration_ms=3_041)
    assert fnrun("export-test", run, "--handler", "app.handler").code == Exit.DONE
    test, fixture = files_of(run)
    assert json.loads(fixture.read_text())["timeoutSeconds"] == 3
    assert "_ends_in_time() -> None:" in test.read_text()


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--redact", "/nothing"], "/nothing leads to nothing in the parameters. Next: "),
        (["--redact", "email"], "'email' is not a JSON Pointer. Next: "),
        (["--ignore", "email"], "'email' is not a JSON Pointer. Next: "),
        (["--handler", "os.system('x').y"], "\"os.system('x').y\" is not a handler. Next: "),
        (["--handler", "../app.handler"], "'../app.handler' is not a handler. Next: "),
        (["--handler", "app"], "'app' is not a handler. Next: "),
    ],
)
def test_what_is_wrong_with_the_command_is_said_and_nothing_is_written(
    fnrun: Fnrun, recorded: Recorded, options: list[str], line: str
) -> None:
    run = recorded.executed(ORDER, error=ERROR)
    answer = fnrun("export-test", run, *(["--handler", "app.handler"] if "--handler" not in options else []), *options)
    assert answer.code == Exit.USAGE
    assert last_line(answer).startswith(line)
    assert not Path("tests").exists()


def test_without_a_version_in_aws_the_handler_has_to_be_named(fnrun: Fnrun, recorded: Recorded) -> None:
    run = recorded.executed(ORDER, error=ERROR)
    answer = fnrun("export-test", run)
    assert last_line(answer).startswith("The name of the handler is not known: ")
    assert last_line(answer).endswith(" Next: add --handler app.handler")
    recorded.deploy("", Handler="com.acme.Order::handle", Runtime="java21")
    assert "is no handler in Python. Next: add --handler" in last_line(fnrun("export-test", run))


def test_of_a_run_that_makes_no_test_one_line_says_why(fnrun: Fnrun, recorded: Recorded) -> None:
    run = recorded.pending(ORDER)
    runs = recorded.api.world.runs.runs

    def refused(**changes: Any) -> str:
        runs[run] = runs[run].evolve(**changes)
        answer = fnrun("export-test", run, "--handler", "app.handler")
        assert answer.code == Exit.NOT_WELL
        return last_line(answer)

    assert refused().startswith(f"Run {run} is pending: there is no outcome to test. Next: ")
    recorded.api.world.invoker.script = [Outcome.of_error("ExecutionLost", "m")]
    recorded.api.execute_pending()
    assert refused().startswith(f"Run {run} ended as ExecutionLost, which is not the function's doing: ")
    kept = {"status": Status.COMPLETED, "error_source": None, "error_code": None}
    assert refused(**kept, result_omitted=True).startswith(f"The result of run {run} was not kept. Next: ")
    assert refused(parameters_format="raw").startswith(
        f"The parameters of run {run} cannot be written into a fixture without loss. Next: fnrun debug {run}"
    )
    assert refused(parameters_omitted="It is gone.").startswith(f"Run {run} has no parameters: It is gone. Next: ")
    assert not Path("tests").exists()
    assert recorded.reveals() == 0


def test_what_is_too_large_to_be_shown_together_makes_no_test(fnrun: Fnrun, recorded: Recorded) -> None:
    run = recorded.executed({"text": "x" * 2_500_000}, result="y" * 2_500_000)
    answer = fnrun("export-test", run, "--handler", "app.handler")
    assert last_line(answer).startswith(f"Parameters and result of run {run} are too large to be shown together. ")
