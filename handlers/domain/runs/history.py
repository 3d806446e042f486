"""Read a run, what it holds, and its lineage."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from handlers.domain.errors import InvalidRequest, NotFound, PartUnreadable, RunNotFound, TooLarge, WrongWorkspace
from handlers.domain.ids import parse_run_id
from handlers.domain.json_document import JsonValue, compact, parse
from handlers.domain.log_context import concerns_run
from handlers.domain.paging import Page, to_cursor
from handlers.domain.runs.outcome import unpack
from handlers.domain.runs.ports import RunReader
from handlers.domain.runs.recording import seal_context
from handlers.domain.runs.run import Content, ExecutionSource, FunctionRun, ParametersFormat, Part, Status
from handlers.domain.seal import Cipher, SealBroken

# Lambda answers with 6 MB at most, in which a large answer stands as base64, that is, a third larger.
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MAX_REVEALED_BYTES = 4_500_000
# Re-runs that are looked at for the newest that counts: more of them only where the first few are experiments.
_NEWEST = (10, 100)
# Longer than all names together, with some spaces between them.
_MAX_INCLUDE = 100


class EdgePage(NamedTuple):
    run_ids: list[str]
    last_position: str | None
    """Where the next page begins; None on the last."""


class LineageReader(RunReader, Protocol):
    def edges(self, original_run_id: str, page: Page) -> EdgePage:
        """The re-runs of an original, oldest first."""

    def newest_edges(self, original_run_id: str, size: int) -> list[str]:
        """The ids of its newest re-runs, newest first, in one read."""


def read_run(workspace: str, run_id: str, runs: RunReader) -> FunctionRun:
    """Raises InvalidRunId, or NotFound also for a run of another workspace."""
    run = runs.read_run(parse_run_id(run_id))
    if run is None or run.workspace != workspace:
        raise NotFound("Run")
    concerns_run(run.id, run.lineage_id)
    return run


def parse_contents(include: str) -> list[Content]:
    """`parameters,result` → what is asked for. Raises InvalidRequest naming `include`."""
    try:
        names = include.split(",") if len(include) <= _MAX_INCLUDE else [""]
        return list(dict.fromkeys(Content(name.strip()) for name in names))
    except ValueError:
        raise InvalidRequest("include", f"must be a list of {', '.join(Content)}, separated by commas.") from None


def reveal(run: FunctionRun, contents: list[Content], runs: RunReader, cipher: Cipher) -> dict[Content, JsonValue]:
    """The opened contents, `null` for one that was never stored or is erased.

    Raises PartUnreadable, TooLarge or Unavailable.
    """
    opened = open_contents(run, contents, runs, cipher)
    shown = {name: _shown(opened[name], run, name) if name in opened else None for name in contents}
    size = len(compact(shown).encode())
    if size > MAX_REVEALED_BYTES:
        way_out = "ask for one part at a time" if len(contents) > 1 else "no answer can carry it"
        raise TooLarge("include", f"asks for {size} bytes as JSON; {MAX_REVEALED_BYTES} is the most: {way_out}.")
    return shown


def open_contents(
    run: FunctionRun, contents: Sequence[Content], runs: RunReader, cipher: Cipher
) -> dict[Content, bytes]:
    """Those that were stored and are not erased, and all that is sealed together with them.

    Raises PartUnreadable or Unavailable.
    """
    sealed = {} if run.erased_at is not None else runs.read_parts(run, {content.part for content in contents})
    opened: dict[Content, bytes] = {}
    for part, first in {content.part: content for content in reversed(contents)}.items():
        if part in sealed:
            opened |= _opened(sealed[part], run, first, cipher)
    return opened


def _opened(sealed: bytes, run: FunctionRun, content: Content, cipher: Cipher) -> dict[Content, bytes]:
    """All that is sealed in the part that holds the content asked for."""
    try:
        opened = cipher.open(sealed, seal_context(run, content.part))
    except SealBroken:
        raise PartUnreadable(content) from None
    return unpack(opened) if content.part is Part.OUTCOME else {content: opened}


def _shown(content: bytes, run: FunctionRun, name: Content) -> JsonValue:
    if name is Content.LOGS or (name is Content.PARAMETERS and run.parameters_format is ParametersFormat.RAW):
        return content.decode(errors="replace")
    try:
        return parse(content)
    except InvalidRequest:  # a runtime may answer what it likes: then it is shown as text
        return content.decode(errors="replace")


def last_rerun_status(run: FunctionRun, runs: LineageReader) -> Status | None:
    """Of an original's newest re-run that is no experiment's, among its newest hundred. Raises Unavailable."""
    if run.is_rerun or run.rerun_count == 0:
        return None
    for size in _NEWEST:
        for rerun in runs.read_many(runs.newest_edges(run.id, size)):
            if rerun.execution_source is not ExecutionSource.EXPERIMENT:
                return rerun.status
        if run.rerun_count <= size:
            break
    return None


class Lineage(NamedTuple):
    """A page of a lineage, oldest re-run first."""

    original: FunctionRun
    reruns: list[FunctionRun]
    next_cursor: str | None


def lineage(workspace: str, run_id: str, page: Page, runs: LineageReader) -> Lineage:
    """The lineage that a run belongs to, asked of any run of it. Raises InvalidRunId, RunNotFound, WrongWorkspace."""
    run = runs.read_run(parse_run_id(run_id))
    if run is None:
        raise RunNotFound
    if run.workspace != workspace:
        raise WrongWorkspace
    original = run if not run.is_rerun else runs.read_run(run.lineage_id)
    if original is None:
        raise RunNotFound
    edges = runs.edges(original.id, page)
    return Lineage(original, runs.read_many(edges.run_ids), to_cursor(edges.last_position))
