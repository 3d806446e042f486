"""What a run is executed with, where nobody can correct it any more: events and failed invocations, accepted by AWS.

It is kept as it came wherever it can be. What strict JSON refuses (equal keys, 101 levels, 1e400) is kept all the
same, as a text that this service does not read: a re-run sends the function these very bytes.
"""

from typing import NamedTuple

from handlers.domain.errors import InvalidRequest
from handlers.domain.json_document import MAX_BYTES, JsonValue, compact_any, escaped, parse
from handlers.domain.runs.run import FunctionRun, ParametersFormat


class Parameters(NamedTuple):
    """The JSON text that the function is invoked with."""

    text: bytes | None
    format: ParametersFormat = ParametersFormat.JSON
    omitted: str | None = None
    """Why there is no text, in a sentence that quotes nothing of it."""

    def of(self, run: FunctionRun) -> FunctionRun:
        """The run, which says what has become of its parameters."""
        return run.evolve(parameters_format=self.format, parameters_omitted=self.omitted)


def keep_text(text: str) -> Parameters:
    """Of JSON that has come as a text."""
    content = escaped(text).encode()
    if len(content) > MAX_BYTES:
        # Not how large: who may not reveal content could tell from it which are alike.
        return _omitted(f"They are over {MAX_BYTES} bytes as JSON, which is the most that is kept.")
    try:
        parse(content)
    except InvalidRequest:
        return Parameters(content, ParametersFormat.RAW)
    return Parameters(content)


def keep_value(value: JsonValue) -> Parameters:
    """Of JSON that a reader of any kind has read before us."""
    try:
        text = compact_any(value)
    except ValueError:
        return _omitted("They hold a number that JSON does not know.")
    return keep_text(text)


def _omitted(why: str) -> Parameters:
    return Parameters(None, omitted=why)


NOT_RECORDED = _omitted("Lambda's record of the invocation has come without them.")
