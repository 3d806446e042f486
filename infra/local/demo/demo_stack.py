"""The stack of a demo: brought up for it, and stopped again whatever happens.

Each answer is checked: the first that is not as expected ends the demo.
"""

import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
from botocore.exceptions import BotoCoreError, ClientError

from infra import ROOT
from infra.local.demo.printer import Printer
from infra.local.emulator.process import unproxied
from infra.local.interrupts import Interrupted, Interrupts
from infra.local.local_stack import LocalStack, bring_up, stop_leftover
from infra.local.log_stream import LogStream
from infra.local.progress import timed_steps

FAULTS = (RuntimeError, ValueError, httpx.HTTPError, BotoCoreError, ClientError)
Sections = Callable[[LocalStack, httpx.Client, Printer], None]


def run_on_temporary_stack(
    sections: Sections, what_next: Mapping[str, str], *, context: Mapping[str, Any] | None = None
) -> None:
    """Raises RuntimeError, which says what went wrong and where the logs are. `context`: settings of the stack."""
    started = time.monotonic()
    printer = Printer()
    try:
        with (
            Interrupts() as interrupts,
            temporary_stack(printer, interrupts, context) as local_stack,
            unproxied() as http,
            interrupts.at_once(),
        ):
            sections(local_stack, http, printer)
    except Interrupted:
        printer.say("Interrupted. Everything is stopped.")
        raise
    printer.heading(f"Done in {time.monotonic() - started:.1f} s, and everything is stopped again")
    printer.answer("next", what_next)


@contextmanager
def temporary_stack(
    printer: Printer, interrupts: Interrupts, context: Mapping[str, Any] | None
) -> Iterator[LocalStack]:
    """In a checkout of its own, so that `make up` is not disturbed. A fault becomes a RuntimeError with its logs."""
    with tempfile.TemporaryDirectory(prefix="function-rerun-demo-", ignore_cleanup_errors=True) as name:
        checkout = Path(name)
        for linked, to in ((".venv", Path(sys.prefix)), ("infra", ROOT / "infra")):
            (checkout / linked).symlink_to(to)
        directory = checkout / ".local"
        try:
            with timed_steps(printer.console, interrupts) as begin:
                local_stack = bring_up(directory, context=context, report=begin)
            where = f"An AWS of its own listens at {local_stack.emulator.url} (process {local_stack.emulator.pid})."
            printer.say(f"{where} Below, ids are cut to their first eight digits, and no token is shown.")
            yield local_stack
        except FAULTS as fault:
            interrupts.check()  # ctrl-C reaches what the demo has started, too: that is no fault
            raise RuntimeError(f"The demo failed. {fault}\nLogs: {kept_logs(directory)}/*.log") from fault
        finally:
            stop_leftover(directory)


def kept_logs(directory: Path) -> Path:
    """A directory that stays, with the emulator's log and with what the Lambdas have logged so far."""
    kept = Path(tempfile.mkdtemp(prefix="function-rerun-demo-logs-"))
    with suppress(OSError):
        shutil.copy(directory / "emulator.log", kept)
    with suppress(OSError, *FAULTS):
        local_stack = LocalStack.load(directory)
        stream = LogStream(local_stack.client("logs"), local_stack.client("lambda"))
        (kept / "lambdas.log").write_text("".join(f"{function}  {line}\n" for function, line in stream.unread()))
    return kept
