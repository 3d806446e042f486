"""How a command fails: with an exit code, and one line that says what to do next."""

from enum import IntEnum
from typing import Any


class Exit(IntEnum):
    DONE = 0
    NOT_WELL = 1
    """What was waited for, looked at or compared is not well: a failed run, a fault that the doctor has found."""
    USAGE = 2
    REFUSED = 3
    NOT_PERMITTED = 4
    """Not logged in, or the grant is missing."""
    NOT_REACHED = 5
    """The service was not reached, or could not answer."""
    UNKNOWN = 6
    """Waited too long, or it is not known whether what was asked for has been done."""
    UNDECIDED = 7
    """Of a replay: no difference was found, but not all runs gave a verdict."""
    NOTHING_THERE = 8
    """Of a replay: there is no run that it could take."""
    STOPPED = 9
    """A batch of re-runs has stopped itself."""
    FAULT = 70
    """A fault of the command line itself (EX_SOFTWARE of sysexits.h)."""
    INTERRUPTED = 130


class CommandError(Exception):
    """Ends the command. `message` is a sentence without a full stop; neither holds a token or content."""

    def __init__(
        self,
        message: str,
        next_step: str = "",
        exit_code: Exit = Exit.REFUSED,
        *,
        code: str = "",
        request_id: str = "",
    ) -> None:
        super().__init__(message)
        self.message, self.next_step, self.exit_code = message, next_step, exit_code
        self.code, self.request_id = code, request_id
        """Of an answer of the service: its error code and request id."""


class UsageFault(CommandError):
    """The command line itself is wrong."""

    def __init__(self, message: str, next_step: str = "") -> None:
        super().__init__(message, next_step, Exit.USAGE)


class Reported(Exception):
    """Ends the command with this exit code: what there is to say has been said."""

    def __init__(self, exit_code: Exit) -> None:
        super().__init__(exit_code)
        self.exit_code = exit_code


def error_line(error: CommandError) -> str:
    """What a person reads of it."""
    sentence = error.message if error.message.endswith("?") else f"{error.message.rstrip('.')}."
    return f"{sentence} Next: {error.next_step}" if error.next_step else sentence


def error_document(error: CommandError) -> dict[str, Any]:
    """What a program reads of it."""
    named = {"code": error.code, "message": error.message, "requestId": error.request_id, "next": error.next_step}
    return {name: value for name, value in named.items() if value} | {"exitCode": error.exit_code}
