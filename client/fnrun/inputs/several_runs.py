"""The runs that a command names: as arguments, or one a line on standard input."""

import re
import sys
from collections.abc import Iterator, Sequence

from fnrun.errors import CommandError, Exit, UsageFault
from fnrun.inputs.json_values import STDIN

_KEY = re.compile(r"[ -~]{1,255}")


def named_runs(arguments: Sequence[str]) -> Iterator[str]:
    """Each once, in their order; read from standard input as they come. Raises CommandError, also with Ctrl-C there."""
    if arguments.count(STDIN) > 1:
        raise UsageFault("- is named twice, but there is one standard input", "name it once")
    seen: set[str] = set()
    for argument in arguments:
        for name in _lines() if argument == STDIN else [argument]:
            if name not in seen:
                seen.add(name)
                yield name


def _lines() -> Iterator[str]:
    while line := _line():
        if name := line.strip().strip('"'):  # as `jq` writes it without -r
            yield name


def check_key(key: str | None) -> None:
    """Raises UsageFault for an idempotency key that no header can hold."""
    if key is not None and not _KEY.fullmatch(key):
        raise UsageFault(
            "--idempotency-key is not 1 to 255 printable ASCII characters", "use a UUID, such as uuidgen's"
        )


def _line() -> str:
    try:
        return sys.stdin.readline()
    except UnicodeDecodeError:
        raise UsageFault("Standard input is not UTF-8 from here on, and was not read", "send one id a line") from None
    except KeyboardInterrupt:
        raise CommandError("Interrupted: no more runs were read", exit_code=Exit.INTERRUPTED) from None


def check_stdin(arguments: Sequence[str], *, params: str | None, yes: bool, key: str | None) -> None:
    """Raises UsageFault if standard input cannot be all that it is to be, or a key is for more than one run."""
    check_key(key)
    if key is not None and (len(arguments) > 1 or STDIN in arguments):
        raise UsageFault("--idempotency-key is for one run", "name one RUN, or leave it out")
    if STDIN not in arguments:
        return
    if params is not None and params.removeprefix("@") == STDIN:
        raise UsageFault("Runs and --params cannot both be read from standard input", "put the parameters into a file")
    if not yes:
        raise UsageFault("Nobody can be asked where the runs are read from standard input", "add --yes, or --plan")
