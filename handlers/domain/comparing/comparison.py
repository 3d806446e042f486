"""One run beside another of its workspace: by default a re-run beside the run that it repeats."""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from handlers.domain.comparing.differences import Differences, differences
from handlers.domain.errors import InvalidRequest, NotFound
from handlers.domain.ids import parse_id
from handlers.domain.runs.history import open_contents, read_run
from handlers.domain.runs.ports import RunReader
from handlers.domain.runs.run import Content, FunctionRun, Status
from handlers.domain.seal import Cipher

COMPARED = (Content.PARAMETERS, Content.OVERRIDES, Content.RESULT, Content.ERROR)
"""Logs are not: they differ in every line, by time and request."""
# Who answers from what was saved does not do the work again. What took no time anyway says nothing.
_MUCH_SHORTER = 5
_LONG_MS = 100


class Pair(NamedTuple):
    before: FunctionRun
    after: FunctionRun


class State(StrEnum):
    """What there is of a content to be compared."""

    KEPT = "kept"
    NONE = "none"
    OMITTED = "omitted"
    """It was not kept: it was too large, or did not come with the record of a captured failure."""
    ERASED = "erased"


class ContentComparison(NamedTuple):
    before: State
    after: State
    found: Differences | None
    """None unless both are kept."""


def read_pair(workspace: str, run_id: str, with_id: str | None, runs: RunReader) -> Pair:
    """The run with the given other one, or with its source run.

    Raises InvalidRunId, InvalidRequest naming `with`, or NotFound, also for runs of another workspace.
    """
    after = read_run(workspace, run_id, runs)
    if with_id is None and after.source_run_id is None:
        raise InvalidRequest("with", "must be the id of a run: this one repeats none that it could be compared with.")
    other_id = after.source_run_id if with_id is None else parse_id(with_id)
    if other_id is None:
        raise InvalidRequest("with", "must be the id of a run.")
    before = runs.read_run(other_id)
    if before is None or before.workspace != workspace:
        raise NotFound("Run")
    return Pair(before, after)


def compare_contents(pair: Pair, runs: RunReader, cipher: Cipher) -> dict[Content, ContentComparison]:
    """Raises PartUnreadable or Unavailable."""
    before, after = (open_contents(run, COMPARED, runs, cipher) for run in pair)
    return {content: _compare(content, pair, before, after) for content in COMPARED}


def _compare(
    content: Content, pair: Pair, before: Mapping[Content, bytes], after: Mapping[Content, bytes]
) -> ContentComparison:
    states = _state(content, pair.before, before), _state(content, pair.after, after)
    is_in_both = content in before and content in after
    return ContentComparison(*states, differences(before[content], after[content]) if is_in_both else None)


def _state(content: Content, run: FunctionRun, opened: Mapping[Content, bytes]) -> State:
    if content in opened:
        return State.KEPT
    if run.erased_at is not None:
        return State.ERASED
    is_omitted = (content is Content.PARAMETERS and run.parameters_omitted is not None) or (
        content is Content.RESULT and run.result_omitted
    )
    return State.OMITTED if is_omitted else State.NONE


def may_repeat_saved_result(pair: Pair, result: ContentComparison) -> bool:
    """Whether the later run looks as if its function had recognised the effect key and answered as it did before.

    A guess: both had the same effect key and gave equal results, and the later took a fifth of the time at most.
    """
    earlier, later = sorted(pair, key=lambda run: run.created_at)
    if earlier.id == later.id or earlier.effects_under != later.effects_under:
        return False
    if {earlier.status, later.status} != {Status.COMPLETED} or result.found is None or result.found.total:
        return False
    took, takes = earlier.duration_ms or 0, later.duration_ms
    return took >= _LONG_MS and takes is not None and takes * _MUCH_SHORTER <= took
