"""What a re-run is given: its source's parameters, and overrides laid over them."""

from contextlib import suppress

from handlers.domain.errors import DecryptionFailed, InvalidRequest, Misconfigured, NoParameters, TooLarge
from handlers.domain.json_document import MAX_BYTES, JsonObject, JsonValue, dump, merge, parse
from handlers.domain.runs.recording import RecordedRun, seal_context
from handlers.domain.runs.run import FunctionRun, ParametersFormat, Part
from handlers.domain.seal import Cipher, KeyRefused, SealBroken


def open_for_caller(recorded: RecordedRun, cipher: Cipher) -> bytes:
    """Raises NoParameters, DecryptionFailed or Unavailable."""
    try:
        return open_parameters(recorded, cipher)
    except SealBroken as broken:
        raise DecryptionFailed from broken


def open_unattended(recorded: RecordedRun, cipher: Cipher) -> bytes:
    """For whom nobody would ask again: a key that is refused for now is no reason to give up.

    Raises NoParameters, DecryptionFailed, Misconfigured or Unavailable.
    """
    try:
        return open_parameters(recorded, cipher)
    except KeyRefused as refused:
        raise Misconfigured from refused
    except SealBroken as broken:
        raise DecryptionFailed from broken


def open_parameters(recorded: RecordedRun, cipher: Cipher) -> bytes:
    """Raises NoParameters, SealBroken, KeyRefused or Unavailable."""
    sealed = None if recorded.run.erased_at is not None else recorded.sealed()
    if sealed is None:
        raise NoParameters
    return cipher.open(sealed, seal_context(recorded.run, Part.PARAMETERS))


def contents_of(
    source: FunctionRun, parameters: bytes, overrides: JsonObject | None, *, reveals: bool
) -> dict[Part, bytes]:
    """`reveals` says whether the caller may see parameters: if not, a refusal depends on nothing but their size."""
    if not overrides:
        # The source's very bytes go on: nothing is parsed and written again.
        return {Part.PARAMETERS: parameters}
    sent = dump(overrides, field="overrideParams")
    before = read_parameters(source, parameters)
    # How large they are merged tells which keys there are: an override replaces the value of one, or adds another.
    if not reveals and len(parameters) + len(sent) > MAX_BYTES:
        raise _too_large("and the run's parameters are together more than")
    try:
        merged = dump(merge(before, overrides), field="overrideParams")
    except TooLarge:
        raise _too_large("would make parameters of more than") from None
    return {Part.PARAMETERS: merged, Part.OVERRIDES: sent}


def _too_large(problem: str) -> TooLarge:
    """It does not say how large they are."""
    return TooLarge("overrideParams", f"{problem} {MAX_BYTES} bytes as JSON, which is the most that is kept.")


def read_parameters(source: FunctionRun, parameters: bytes) -> JsonValue:
    """Raises InvalidRequest if the overrides cannot be merged into them, whatever these are."""
    if source.parameters_format is ParametersFormat.JSON:
        with suppress(InvalidRequest):  # of an earlier release, which measured what it kept in another way
            return parse(parameters)
    raise InvalidRequest(
        "overrideParams",
        "cannot be merged: the parameters of this run are kept as a text (parametersFormat raw), because they are JSON "
        "that cannot be read and written without loss. Re-run it without overrides.",
    )
