"""A function run: one execution of a compute function, and what a re-run copies of it."""

import secrets
from enum import StrEnum
from typing import Any, Self

from handlers.domain import seal
from handlers.domain.clock import Timestamp
from handlers.domain.document import Document
from handlers.domain.function_arns import MAX_TIMEOUT_SECONDS, base_arn


class ExecutionType(StrEnum):
    """What starts a trigger's runs."""

    ON_DEMAND = "on-demand"
    EVENT_DRIVEN = "event-driven"
    SCHEDULED = "scheduled"
    HTTP = "http-trigger"


class ExecutionSource(StrEnum):
    """What started a run. An on-demand trigger that is executed is `trigger`; another one executed by hand `manual`."""

    TRIGGER = "trigger"
    MANUAL = "manual"
    SCHEDULED = "scheduled"
    WEBHOOK = "webhook"
    EVENT = "event"
    RERUN = "rerun"
    RETRY = "retry"
    CAPTURED = "captured"
    ORCHESTRATION = "orchestration"
    EXPERIMENT = "experiment"


class Status(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILURE = "failure"
    TIMEOUT = "timeout"
    CANCELLED = "cancelled"

    @property
    def is_open(self) -> bool:
        return self in (Status.PENDING, Status.RUNNING)

    @property
    def is_failed(self) -> bool:
        return self in (Status.FAILURE, Status.TIMEOUT)


class ErrorSource(StrEnum):
    """Who says of a run that it failed: both have names for errors, and they may be the same."""

    SERVICE = "service"
    """This service, or Lambda when it refused to execute the function or gave it up."""
    FUNCTION = "function"
    """The function that was executed, or its runtime: all that Lambda reports as a function error."""


class Part(StrEnum):
    """The sealed parts of a run, each an item of its own."""

    PARAMETERS = "parameters"
    OVERRIDES = "overrides"
    OUTCOME = seal.OUTCOME
    """Result, logs and error, sealed together."""


class Content(StrEnum):
    """What callers may ask to see of a run."""

    PARAMETERS = "parameters"
    OVERRIDES = "overrides"
    RESULT = "result"
    LOGS = "logs"
    ERROR = "error"

    @property
    def part(self) -> Part:
        return Part(self.value) if self in (Content.PARAMETERS, Content.OVERRIDES) else Part.OUTCOME


class ParametersFormat(StrEnum):
    """How the parameters of a run are to be read."""

    JSON = "json"
    RAW = "raw"
    """JSON by its grammar, but not such as can be read and written again without loss: they are handed on as a text."""


class Pin(Document):
    """The exact code of a run. `timeout_seconds` is that version's own timeout: it never changes either."""

    function_version_arn: str
    function_version: str
    function_code_hash: str | None = None
    timeout_seconds: int | None = None
    """None, like the hashes, for a captured run: AWS reports only the version's number."""
    config_hash: str | None = None
    """Equal for versions that are configured alike, their environment included, and for no others."""

    @property
    def exceeds_longest_wait(self) -> bool:
        """Whether its function may take longer than an executor can wait for it."""
        return (self.timeout_seconds or 0) > MAX_TIMEOUT_SECONDS

    @property
    def is_complete(self) -> bool:
        return self.function_code_hash is not None and self.timeout_seconds is not None


def version_of(function_arn: str, version: str) -> Pin:
    """The version of this number, of which nothing else is known yet."""
    return Pin(function_version_arn=f"{base_arn(function_arn)}:{version}", function_version=version)


def new_token() -> str:
    """Eight characters that nobody else draws: for claims, revisions and outcomes of one run."""
    return secrets.token_urlsafe(6)


class FunctionRun(Document):
    """A run as it is stored. Content (parameters, result, error text) is not here: it lies sealed beside it."""

    id: str
    workspace: str
    function_id: str
    function_arn: str
    """The registered ARN, alias included, at the time the run was accepted: what "current code" means for it."""
    trigger_id: str
    trigger_type: ExecutionType
    execution_source: ExecutionSource
    status: Status = Status.PENDING
    created_at: Timestamp
    started_at: Timestamp | None = None
    ended_at: Timestamp | None = None
    duration_ms: int | None = None
    pin: Pin | None = None
    reported_version: str | None = None
    """What AWS said a captured run was executed by, if it is no version that stays: `$LATEST`."""
    orchestration_id: str | None = None
    started_by: str | None = None
    """Who executed the trigger, if a person or a client did: `sub`, `client:…` or `console:…`."""
    not_before: Timestamp | None = None
    """The moment before which it is not executed."""
    is_rerun: bool = False
    original_run_id: str | None = None
    source_run_id: str | None = None
    rerun_by: str | None = None
    rerun_reason: str | None = None
    rerun_count: int = 0
    use_latest_code: bool = False
    planned_code: str | None = None
    """What a plan has shown of the code that it is executed on, as a digest: other code ends it as `PlanOutdated`."""
    effect_key: str | None = None
    """Of the run whose effects it is to repeat, not to add to; None if its own: see `effects_under`."""
    experiment_id: str | None = None
    batch_id: str | None = None
    """Of the batch that has started it; an automatic retry has its source's."""
    recovered_by: str | None = None
    """Of an original: the first re-run that has completed, whatever has become of it itself. A mark, like the
    cancellation's."""
    retriable: bool = False
    """Whether its trigger said, when the run was recorded, that failures are to be retried."""
    retry_attempt: int | None = None
    execution_attempts: int = 0
    error_code: str | None = None
    """A name; while it is pending or running, why it had to wait."""
    error_source: ErrorSource | None = None
    error_group_id: str | None = None
    """Of a failure: the group of those that have its cause, as far as type and frames can say so."""
    result_omitted: bool = False
    parameters_format: ParametersFormat = ParametersFormat.JSON
    parameters_omitted: str | None = None
    """Why it has no parameters, and so cannot be re-run."""
    event_pending: bool = False
    """Its end has not been published, or its automatic retry has not been decided yet."""
    cancel_requested_at: Timestamp | None = None
    cancel_requested_by: str | None = None
    erased_at: Timestamp | None = None
    """Since when its content is gone for good. A mark, too."""
    staged: bool = False
    """Some of its parts are objects that are not yet where they stay: they are moved before anything else is done."""
    revision: str | None = None
    """Changed by every move: a move is stored only if the run still has the revision that was read."""
    claim_token: str | None = None
    """Of the execution that has the run: its outcome is stored only while the run has this token."""
    outcome_id: str | None = None
    """Which of its sealed outcomes counts: an execution that has lost its claim may have written another."""
    notes_apart: bool = False
    """Its longest texts are an item of their own, so that this one stays small."""
    deadline: Timestamp | None = None
    """When the watchdog should look at the run if nothing has moved it; None once nothing is left to do."""
    postponements: int = 0
    redelivered_at: Timestamp | None = None
    """When its message was sent once more, after one had ended in the dead-letter queue."""
    waits_until: Timestamp | None = None
    """When the message of a postponed run comes. One that comes earlier is another's, and starts nothing."""
    expires_at: Timestamp

    @property
    def lineage_id(self) -> str:
        """The id of the original run: its own, unless it is a re-run."""
        return self.original_run_id or self.id

    @property
    def effects_under(self) -> str:
        """The id that its function can know its effects by."""
        return self.effect_key or self.id

    def moved(self, **changes: Any) -> Self:
        """The run after a move, under a new revision. Marks and counters are no moves: see `evolve`."""
        return self.evolve(revision=new_token(), **changes)

    @property
    def awaits_retry(self) -> bool:
        """Whether it has ended so that somebody has to decide on a retry."""
        return self.retriable and self.status.is_failed

    @property
    def recovered(self) -> bool | None:
        """Of an original that has failed: whether a re-run of it has completed. None for all other runs."""
        return None if self.is_rerun or not self.status.is_failed else self.recovered_by is not None

    @property
    def is_recovering(self) -> bool:
        """Whether it recovers its original, if it is of the same function. Experiments recover nothing."""
        is_experiment = self.execution_source is ExecutionSource.EXPERIMENT
        return self.is_rerun and self.status is Status.COMPLETED and not is_experiment

    @property
    def function_version(self) -> str | None:
        """What it was or will be executed by, as far as that is known."""
        return self.reported_version or (self.pin.function_version if self.pin else None)
