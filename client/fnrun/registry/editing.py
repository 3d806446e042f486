"""Change a function or a trigger as a JSON document: in an editor, or by a file.

What the document leaves out stays as it is, as in the API. So the editor shows all that can be changed, also what is
not set. Nobody overwrites what another has changed meanwhile: the document says of which version it is.
"""

import shlex
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fnrun.errors import CommandError
from fnrun.inputs.json_values import STDIN, parse_object, read_text
from fnrun.output.console import note
from fnrun.output.text import as_json
from fnrun.registry.documents import Kind, changes, editable, keywords
from fnrun.registry.editor import edited
from fnrun.shared import in_flight

if TYPE_CHECKING:
    from function_rerun import Client

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Edit:
    """Of one function or trigger."""

    client: "Client"
    kind: Kind
    thing_id: str
    typed: str
    """How the caller has named it."""

    def by_file(self, file: str) -> Document:
        """The document after the change. Raises CommandError, or what the client raises."""
        from function_rerun import ApiError

        from fnrun.failures import explained

        path = "the document" if file == STDIN else file
        wanted = parse_object(read_text(file, option="--file"), option=path)
        try:
            return self._change(self._read(), wanted, path)
        except ApiError as error:
            if error.field is None:
                raise
            raise _with_next_step(explained(error), f"correct it in {path}") from None

    def in_editor(self) -> Document:
        """The same. What was typed in vain is in a file that the error names."""
        from function_rerun import FunctionRerunError

        from fnrun.failures import explained

        before = self._read()
        shown = editable(self.kind, before)
        path = edited(as_json(shown) + "\n", name=self.kind.name)
        try:
            wanted = parse_object(read_text(str(path), option="The text"), option="The text")
            for field in shown.keys() - wanted.keys() - {"version"}:
                note(f"{field} was left out, and stays as it is.")
            after = self._change(before, wanted, str(path))
        except (CommandError, FunctionRerunError) as error:
            raise self._kept(error if isinstance(error, CommandError) else explained(error), path) from None
        path.unlink()
        return after

    def _read(self) -> Document:
        return self.kind.read(self.client, self.thing_id)

    def _change(self, current: Document, wanted: Document, path: str) -> Document:
        from function_rerun import Stale

        body = changes(self.kind, current, wanted)
        if body is None:
            note("Nothing was changed.")
            return current
        try:
            with in_flight(f"{self.typed} was changed", check=self._command("show")):
                return self.kind.change(self.client, self.thing_id, **keywords(body))
        except Stale:
            raise self._outdated(path) from None

    def _outdated(self, path: str) -> CommandError:
        from function_rerun import FunctionRerunError

        newest = "that of now"
        with suppress(FunctionRerunError):
            newest = str(self._read()["version"])
        return CommandError(
            f"Another has changed {self.typed} meanwhile, and nothing was overwritten",
            f"look at it with {self._command('show')} -o json, and take what is new into {path}, with version "
            f"{newest}; then {self._command('edit')} --file {path}",
            code="STALE",
        )

    def _kept(self, error: CommandError, path: Path) -> CommandError:
        if str(path) in error.next_step:
            return error
        return _with_next_step(
            error, f"correct your text, which is kept in {path}; then {self._command('edit')} --file {path}"
        )

    def _command(self, name: str) -> str:
        return f"fnrun {self.kind.name}s {name} {shlex.quote(self.typed)}"


def _with_next_step(error: CommandError, next_step: str) -> CommandError:
    return CommandError(error.message, next_step, error.exit_code, code=error.code, request_id=error.request_id)
