"""A run that was just started, until it has ended: its status as it changes, then the tail of its log."""

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from fnrun import lookup, recent
from fnrun.errors import CommandError, Exit
from fnrun.output.console import note, stderr
from fnrun.output.runs import printable_lines
from fnrun.output.times import moment
from fnrun.shared import invocation

if TYPE_CHECKING:
    from function_rerun import Client

Run = Mapping[str, Any]


class Follower:
    """Of one command: the runs share its timeout."""

    def __init__(self, client: "Client", *, timeout_seconds: float | None, shows_logs: bool) -> None:
        self._client = client
        self._until = None if timeout_seconds is None else time.monotonic() + timeout_seconds
        self._shows_logs = shows_logs and not invocation().as_json
        self.is_interrupted = False

    def follow(self, run_id: str) -> Run:
        """The run, once it has ended. Raises CommandError, which names the run, if that is not seen, or with Ctrl-C."""
        from function_rerun import FunctionRerunError, WaitTimeout

        from fnrun.failures import explained

        known = f"{run_id} was started and goes on"
        try:
            with _live() as show:
                run = self._client.wait(
                    run_id,
                    timeout=self._remaining(),
                    on_poll=lambda run: show(_said(run_id, run)),
                    on_trouble=lambda _: show(f"{run_id}: the service does not answer; trying on"),
                )
            known = f"{run_id} has ended ({run['status']}), its log was not read"
            recent.remember_runs(lookup.place(), [run])
            if self._shows_logs and run["startedAt"] is not None:
                self._show_log_tail(run_id)
        except WaitTimeout:
            raise CommandError(
                f"{run_id} has not ended in that time, and goes on", f"fnrun runs show {run_id}", Exit.UNKNOWN
            ) from None
        except FunctionRerunError as error:
            why = explained(error, run=run_id)
            why.message = f"{known}, but cannot be read: {why.message}"
            raise why from None
        except KeyboardInterrupt:
            self.is_interrupted = True
            raise CommandError(f"Interrupted: {known}", f"fnrun runs show {run_id}", Exit.INTERRUPTED) from None
        return run

    def _remaining(self) -> float | None:
        return None if self._until is None else max(0.0, self._until - time.monotonic())

    def _show_log_tail(self, run_id: str) -> None:
        from function_rerun import ApiError, Forbidden

        try:
            logs = self._client.get_run(run_id, include=["logs"])["logs"]
        except Forbidden as error:
            self._shows_logs = False  # the same for all runs, and said once
            note(f"The log's tail is not shown: {error.message}")
        except ApiError as error:
            note(f"The log's tail could not be read: {error.message}")
        else:
            if logs:
                note("Its log ends with:")
                stderr().print(printable_lines(logs), style="dim", soft_wrap=True)


@contextmanager
def _live() -> Iterator[Callable[[str], None]]:
    """A line that is written again and again, or where there is no terminal a line for each change."""
    if not sys.stderr.isatty():
        said = [""]

        def say(sentence: str) -> None:
            if sentence != said[-1]:
                note(sentence)
                said.append(sentence)

        yield say
        return
    from rich.text import Text

    with stderr().status("") as status:
        yield lambda sentence: status.update(Text(sentence))


def _said(run_id: str, run: Run) -> str:
    sentence = f"{run_id} is {run['status']}"
    if run["status"] == "pending" and run["notBefore"]:
        return f"{sentence} until {moment(run['notBefore'])}"
    if run["executionAttempts"] > 1:
        sentence = f"{sentence}, execution {run['executionAttempts']}"
    return f"{sentence} ({run['errorCode']})" if run["errorCode"] else sentence
