"""The entry point: what is slow is imported where Ctrl-C is answered already."""

import sys
from typing import NoReturn

_INTERRUPTED = 130


def run() -> NoReturn:
    try:
        from fnrun.main import run as run_command

        run_command()
    except KeyboardInterrupt:
        sys.stderr.write("fnrun: Interrupted.\n")
        sys.exit(_INTERRUPTED)


if __name__ == "__main__":
    run()
