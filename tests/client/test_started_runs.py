"""What was started is never lost: not by a grant that is missing, nor by Ctrl-C, nor by what stands on standard input."""

import io
import sys
from collections.abc import Callable
from typing import Any

import pytest
from fnrun.errors import Exit

from tests.builders import RUN_ID, an_id
from tests.client.cli import Fnrun
from tests.client.failing import FAILED, a_failed_run, reruns_of
from tests.client.server import Api


def interrupted(*_: object, **__: object) -> Any:
    raise KeyboardInterrupt


class Lines:
    """Standard input that ends with an exception."""

    def __init__(self, text: str, end: Callable[[], str]) -> None:
        self._lines, self._end = io.StringIO(text), end

    def readline(self) -> str:
        return self._lines.readline() or self._end()


def not_utf8() -> str:
    return b"\xff".decode()


@pytest.fixture
def who_may_not_read(as_alice: Fnrun, api: Api, monkeypatch: pytest.MonkeyPatch) -> Fnrun:
    grants = ("acme/function-triggers:execute", "acme/function-triggers:read")
    monkeypatch.setenv("FNRUN_TOKEN", api.token("bob", *grants))
    return as_alice


def test_re_runs_that_may_not_be_read_are_reported(who_may_not_read: Fnrun, api: Api) -> None:
    names = [an_id(5), an_id(6)]
    for name in names:
        a_failed_run(api, name)
    ended = who_may_not_read("rerun", *names, "--yes", "--wait")
    started = [reruns_of(api, name)[0].id for name in names]
    assert ended.code == Exit.NOT_PERMITTED
    assert ended.stdout.split("\n") == [
        *(f"{new}  re-run of {name}" for new, name in zip(started, names, strict=True)),
        "",
    ]
    assert all(f"{each} was started and goes on, but cannot be read: " in ended.stderr for each in started)


@pytest.mark.parametrize("output", ["table", "json"])
def test_a_run_that_may_not_be_read_is_reported(who_may_not_read: Fnrun, api: Api, output: str) -> None:
    before = set(api.world.runs.runs)
    ended = who_may_not_read("execute", "import now", "--wait", "-o", output)
    [run_id] = set(api.world.runs.runs) - before
    assert ended.code == Exit.NOT_PERMITTED
    said, error = ended.stderr.splitlines()
    assert said == f"{run_id} was started"
    assert f"{run_id} was started and goes on, but cannot be read: " in error


@pytest.mark.parametrize(
    ("end", "code", "said"),
    [
        (interrupted, Exit.INTERRUPTED, "fnrun: -: Interrupted: no more runs were read"),
        (not_utf8, Exit.USAGE, "fnrun: -: Standard input is not UTF-8"),
    ],
)
@pytest.mark.parametrize("more", [[], ["--wait", "--timeout", "20s"]])
def test_names_that_end_badly_are_the_end_of_the_list(
    as_alice: Fnrun,
    api: Api,
    monkeypatch: pytest.MonkeyPatch,
    *,
    end: Callable[[], str],
    code: Exit,
    said: str,
    more: list[str],
) -> None:
    a_failed_run(api)
    monkeypatch.setattr(sys, "stdin", Lines(f"{FAILED}\n", end))
    with api.executing():
        ended = as_alice("rerun", "-", "--yes", *more)
    [rerun] = reruns_of(api)
    assert ended.code == code
    assert ended.stdout.startswith(f"{rerun.id}  re-run of {FAILED}")
    assert said in ended.stderr


def test_other_commands_report_what_was_done_before(as_alice: Fnrun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Lines(f"{RUN_ID}\n", interrupted))
    ended = as_alice("erase", "-", "--yes")
    assert ended.code == Exit.INTERRUPTED
    assert ended.stdout.startswith(RUN_ID)
    assert "Interrupted: no more runs were read" in ended.stderr


def test_who_interrupts_after_the_answer_is_told_that_it_was_started(
    as_alice: Fnrun, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_failed_run(api)
    monkeypatch.setattr("fnrun.lookup.remember_started", interrupted)
    ended = as_alice("rerun", FAILED, "--yes")
    [rerun] = reruns_of(api)
    assert (ended.code, ended.stdout) == (Exit.INTERRUPTED, f"{rerun.id}  re-run of {FAILED}\n")
    assert f"Interrupted: {rerun.id} was started and goes on. Next: fnrun runs show {rerun.id}" in ended.stderr
    assert "was not re-run" not in ended.stderr
    before = set(api.world.runs.runs)
    executed = as_alice("execute", "import now")
    [run_id] = set(api.world.runs.runs) - before
    assert (executed.code, executed.stdout) == (Exit.INTERRUPTED, f"{run_id}\n")


@pytest.mark.parametrize(
    ("command", "method"),
    [
        (["execute", "import now"], "execute_trigger"),
        (["rerun", FAILED, "--yes"], "rerun"),
        (["experiment", RUN_ID, "--yes"], "start_experiment"),
    ],
)
def test_whose_start_is_not_known_is_told_the_key_that_makes_repeating_safe(
    as_alice: Fnrun, api: Api, monkeypatch: pytest.MonkeyPatch, command: list[str], method: str
) -> None:
    a_failed_run(api)
    sent = []

    def lost(*_: object, idempotency_key: str, **__: object) -> Any:
        sent.append(idempotency_key)
        raise KeyboardInterrupt

    monkeypatch.setattr(f"function_rerun.Client.{method}", lost)
    ended = as_alice(*command)
    assert ended.code == Exit.INTERRUPTED
    assert ended.stderr.endswith(f", or send it again with --idempotency-key {sent[0]}\n")


@pytest.mark.parametrize("form", ['{"mode": "lax"}', "@FILE", "FILE"])
def test_params_are_typed_as_for_triggers(as_alice: Fnrun, api: Api, tmp_path: Any, form: str) -> None:
    a_failed_run(api)
    file = tmp_path / "params.json"
    file.write_text('{"mode": "lax"}')
    ended = as_alice("rerun", FAILED, "--yes", "--params", form.replace("FILE", str(file)))
    assert ended.code == Exit.DONE, ended.stderr
    [sent] = [each.json for each in api.requests if each.path.endswith("/rerun")]
    assert sent["overrideParams"] == {"mode": "lax"}
