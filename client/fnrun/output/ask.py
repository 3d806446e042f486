"""Questions before something is started, changed, erased or run here."""

import sys

from fnrun.errors import CommandError, Exit, UsageFault
from fnrun.output.console import is_interactive
from fnrun.output.text import printable


def confirm(question: str, *, yes: bool) -> None:
    """Ask unless the caller has said --yes. Raises `CommandError` if the answer is not yes, or nobody can be asked."""
    if yes:
        return
    if not is_interactive():
        raise UsageFault("Nobody can be asked here, because this is not a terminal", "add --yes")
    if not _is_wanted(question):
        raise CommandError("Nothing was done", exit_code=Exit.NOT_WELL)


def _is_wanted(question: str) -> bool:
    """On stderr alone: typer's `confirm` also writes to stdout, which may be a file."""
    asked = f"{printable(question)} [y/N] "
    try:
        while True:
            sys.stderr.write(asked)
            sys.stderr.flush()
            answer = sys.stdin.readline()
            if not answer:
                break
            if answer.strip().lower() in ("y", "yes", "n", "no", ""):
                return answer.strip().lower().startswith("y")
            asked = "Please answer y or n: "
    except KeyboardInterrupt:
        pass
    sys.stderr.write("\n")
    raise CommandError("Not answered: nothing was done", exit_code=Exit.INTERRUPTED)
