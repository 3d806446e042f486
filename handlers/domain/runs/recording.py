"""What is written when a run comes to be, whatever started it."""

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import NamedTuple

from handlers.domain.errors import InvalidRequest, InvalidRunId
from handlers.domain.ids import parse_run_id
from handlers.domain.json_document import parse_object
from handlers.domain.runs.run import FunctionRun, Part
from handlers.domain.seal import Cipher, SealContext

SealedParts = dict[Part, bytes]


class RecordedRun(NamedTuple):
    """A run, and the way to one of its sealed parts: a large one is fetched when it is asked for, and not before."""

    run: FunctionRun
    sealed: Callable[[], bytes | None]
    """None if that part was never stored. Raises Unavailable."""


def to_message(run: FunctionRun) -> str:
    """What asks for a run to be executed: its id and nothing else."""
    return json.dumps({"runId": run.id})


def from_message(body: str) -> str:
    """The id of the run that is to be executed. Raises InvalidRunId for what is no such message."""
    try:
        run_id = parse_object(body).get("runId")
    except InvalidRequest:
        raise InvalidRunId from None
    if not isinstance(run_id, str):
        raise InvalidRunId
    return parse_run_id(run_id)


class Retention(NamedTuple):
    """How long runs are kept. `days` counts from a run's creation, or from its lineage's last re-run."""

    days: int
    audit_days: int = 400
    """How long acts are kept."""

    @property
    def span(self) -> timedelta:
        return timedelta(days=self.days)

    @property
    def of_acts(self) -> timedelta:
        return timedelta(days=self.audit_days)


def seal_context(run: FunctionRun, part: Part) -> SealContext:
    """An outcome is that of one execution: `outcome_id` must be set."""
    owner = f"RUN#{run.id}#{run.outcome_id}" if part is Part.OUTCOME else f"RUN#{run.id}"
    return SealContext(workspace=run.workspace, owner=owner, part=part)


def seal_parts(run: FunctionRun, contents: Mapping[Part, bytes], cipher: Cipher) -> SealedParts:
    """Raises Unavailable."""
    return {part: cipher.seal(content, seal_context(run, part)) for part, content in contents.items()}
