"""A text in the editor that a person has chosen, in a file that only they can read."""

import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from fnrun.errors import UsageFault
from fnrun.output.console import is_interactive

_USUAL = "notepad" if sys.platform == "win32" else "vi"


def edited(text: str, *, name: str) -> Path:
    """The file with what was saved; the caller deletes it. Raises UsageFault if no editor could be used."""
    command = _command()
    with tempfile.NamedTemporaryFile(  # mode 600: a trigger's params are secret
        "w", encoding="utf-8", prefix=f"fnrun-{name}-", suffix=".json", delete=False
    ) as file:
        file.write(text)
    path = Path(file.name)
    try:
        code = _run([*command, str(path)])
    except OSError as error:
        path.unlink()
        raise UsageFault(f"The editor could not be started: {error.strerror}", "set EDITOR, or add --file") from None
    if code != 0:
        is_worth_keeping = path.read_text(encoding="utf-8", errors="replace") != text
        if not is_worth_keeping:
            path.unlink()
        kept = f"; your text is in {path}" if is_worth_keeping else ""
        raise UsageFault(f"The editor ended with {code}, so nothing was changed{kept}", "set EDITOR, or add --file")
    return path


def _command() -> list[str]:
    chosen = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if not chosen and not is_interactive():
        raise UsageFault("There is no terminal to edit in", "add --file FILE, or - for standard input")
    try:
        return shlex.split(chosen or _USUAL, posix=sys.platform != "win32")
    except ValueError:
        raise UsageFault("EDITOR is no command", "quote it as a shell would need it") from None


def _run(command: list[str]) -> int:
    environment = {name: value for name, value in os.environ.items() if name != "FNRUN_TOKEN"}
    process = subprocess.Popen(command, env=environment)  # noqa: S603 - the person's own editor
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:  # the editor's business: it has got it, too
            continue
