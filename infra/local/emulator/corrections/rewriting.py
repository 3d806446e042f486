"""How a correction changes the emulator's code, after it has checked that the defect is still there."""

import functools
import inspect
import linecache
from collections.abc import Callable
from typing import Any

WRITTEN_FOR = "1.5.33"


class EmulatorChanged(RuntimeError):
    def __init__(self, defect: str) -> None:
        super().__init__(
            f"The emulator no longer contains the code behind the defect '{defect}', as version {WRITTEN_FOR} did: "
            "see what became of it, then adapt or delete the correction of that name."
        )


def rewritten(defect: str, text: str, replacements: dict[str, str]) -> str:
    for old, new in replacements.items():
        if text.count(old) != 1:
            raise EmulatorChanged(defect)
        text = text.replace(old, new)
    return text


def rewrite_function(defect: str, module: Any, name: str, replacements: dict[str, str]) -> None:
    source = rewritten(defect, inspect.getsource(getattr(module, name)), replacements)
    file = f"<{name}, corrected>"
    exec(compile(source, file, "exec"), vars(module))  # noqa: S102 - the emulator's own source
    # Tracebacks show this source, and the next correction of the same function finds it.
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)


def refuse_first(module: Any, name: str, refusal_of: Callable[..., Any]) -> None:
    """The function answers with the refusal that `refusal_of` gives for its arguments, if it gives one."""
    uncorrected = getattr(module, name)

    @functools.wraps(uncorrected)
    def checked(*arguments: Any, **named: Any) -> Any:
        return refusal_of(*arguments, **named) or uncorrected(*arguments, **named)

    setattr(module, name, checked)


def require(defect: str, subject: Any, *snippets: str) -> None:
    source = inspect.getsource(subject)
    if not all(snippet in source for snippet in snippets):
        raise EmulatorChanged(defect)
