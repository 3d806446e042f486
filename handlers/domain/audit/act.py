"""An act: what a person or a client has done, to which of our things, why and when. Never content."""

import json
import uuid
from datetime import timedelta
from enum import StrEnum
from typing import Any, NamedTuple, Protocol, Self

from pydantic import Field

from handlers.domain import clock
from handlers.domain.clock import Timestamp
from handlers.domain.document import Document
from handlers.domain.log_context import current_ids
from handlers.domain.seal import Cipher, SealContext


class Action(StrEnum):
    EXECUTE = "execute"
    RERUN = "rerun"
    CANCEL = "cancel"
    REVEAL = "reveal"
    REVEAL_OVERRIDE_PATHS = "reveal-override-paths"
    COMPARE = "compare"
    EXPERIMENT = "experiment"
    EXPERIMENT_VERDICT = "experiment-verdict"
    START_BATCH = "start-batch"
    PAUSE_BATCH = "pause-batch"
    RESUME_BATCH = "resume-batch"
    CANCEL_BATCH = "cancel-batch"
    ERASE = "erase"
    REGISTER_FUNCTION = "register-function"
    CHANGE_FUNCTION = "change-function"
    DELETE_FUNCTION = "delete-function"
    CREATE_TRIGGER = "create-trigger"
    CHANGE_TRIGGER = "change-trigger"
    DELETE_TRIGGER = "delete-trigger"
    ROTATE_SECRET = "rotate-secret"  # noqa: S105 - the name of an act
    CHANGE_ERROR_GROUP = "change-error-group"


class Act(Document):
    """An accepted act, written in the transaction of what it changes: there is none without the other.

    What only shows content (`reveal`, `compare`, a verdict) changes nothing: its act is written before the answer.
    """

    id: str
    at: Timestamp
    workspace: str
    action: Action
    by: str
    """The `sub` of the caller's token, `client:` and its client, or `console:` and a name."""
    request_id: str | None = None
    run_id: str | None = None
    job_id: str | None = None
    """The run that was started."""
    with_run_id: str | None = None
    """The run that it was compared with."""
    trigger_id: str | None = None
    function_id: str | None = None
    experiment_id: str | None = None
    candidate_version: str | None = None
    """Of an experiment: what the input was executed on besides the original's code."""
    candidate_function_id: str | None = None
    repeats: int | None = None
    batch_id: str | None = None
    reason: str | None = None
    use_latest_code: bool | None = None
    parts: tuple[str, ...] | None = None
    """What was revealed."""
    error_group_id: str | None = None
    error_group_state: str | None = None
    """What a group was set to."""
    override_paths: tuple[str, ...] = Field(default=(), exclude=True)
    """JSON Pointers of what was overridden: keys are content, and stand sealed beside the rest."""
    expires_at: Timestamp

    @classmethod
    def done(cls, action: Action, by: str, workspace: str, *, kept_for: timedelta, **about: Any) -> Self:
        """Now, by the request that is being answered."""
        at = clock.now()
        request_id = current_ids().get("requestId")
        return cls(
            id=str(uuid.uuid4()),
            at=at,
            workspace=workspace,
            action=action,
            by=by,
            request_id=request_id,
            expires_at=at + kept_for,
            **about,
        )

    @property
    def seal_context(self) -> SealContext:
        return SealContext(self.workspace, f"ACT#{self.id}", "overridePaths")


class SealedAct(NamedTuple):
    act: Act
    sealed_paths: bytes | None = None


def seal_act(act: Act | None, cipher: Cipher) -> SealedAct | None:
    """Raises Unavailable."""
    if act is None:
        return None
    paths = json.dumps(act.override_paths).encode() if act.override_paths else None
    return SealedAct(act.evolve(override_paths=()), None if paths is None else cipher.seal(paths, act.seal_context))


class ActWriter(Protocol):
    def write(self, act: Act) -> None:
        """For acts that change nothing. All others stand in the transaction of what they change. Raises Unavailable."""
