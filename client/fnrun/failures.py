"""What an exception that a command let through means to who has typed the command."""

import traceback

from fnrun.errors import CommandError, Exit


def explained(error: Exception) -> CommandError:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{type(error).__name__} in {frame.name}, {frame.filename}:{frame.lineno}"
    # Not its message, which may hold what was sent or shown.
    return CommandError(f"A fault of fnrun itself: {where}", "report it with this line", Exit.FAULT)
