"""Every way a request can be refused and every fault a caller may see.

    ServiceError
    ├── Refused                      the request changed nothing
    │   ├── Unauthenticated          no identity that counts
    │   │   └── BadSignature         of a webhook
    │   ├── Forbidden                a grant is missing
    │   ├── FunctionNotPermitted     the context no longer lets the workspace invoke the function
    │   ├── InvalidRequest           names the field
    │   │   ├── TooLarge
    │   │   └── BusMissing           an event bus that a trigger is to listen to
    │   ├── InvalidRunId
    │   ├── RunNotFound, WrongWorkspace, OrchestrationRun, NoParameters, DecryptionFailed,
    │   │   TriggerNotFound, FunctionNotFound          the contract's sentences
    │   ├── PartUnreadable           a revealed part that no longer opens
    │   ├── NotFound                 an unknown id on a plain read, change or delete
    │   ├── Stale, VersionRequired   two editors
    │   └── Conflict
    │       ├── NameTaken, PathTaken, TriggerDisabled, TriggerUnreadable, RerunLimitReached,
    │       │   BeingChanged, SourceLimitReached, RunEnded, BatchEnded, IdempotencyKeyReused,
    │       │   EffectKeyUnknown, PlanOutdated
    │       └── AlreadyRecovered, RerunOpen      name the run that stands against a re-run
    └── Unavailable                  AWS is throttled or down: the same request may succeed later
        └── Misconfigured            AWS refuses for good: an operator has to correct something

`code` is for programs, `message` for people. A field is quoted by its name; no value, result or token ever is. The
contract's sentences are those of the page on function re-run.

A new error is a class here. Its status is that of its base class (`handlers.api.responses.STATUS`); the operations that
can answer it name it among their `refusals` (`handlers.api`).
"""

from typing import Any, ClassVar


class ServiceError(Exception):
    """Something went wrong on our side. It has been logged under this request id."""

    code: ClassVar[str] = "INTERNAL_ERROR"
    example: ClassVar[tuple[Any, ...]] = ()
    """What an example of it is made of, for the documents."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())

    @property
    def message(self) -> str:
        return str(self)


class Refused(ServiceError):
    """The request was refused."""

    code = "REFUSED"


class Unauthenticated(Refused):
    """An access token is required."""

    code = "UNAUTHENTICATED"


class BadSignature(Unauthenticated):
    """The webhook's signature is missing or wrong, or its timestamp is more than five minutes off."""

    code = "BAD_SIGNATURE"

    def __init__(self, trigger_id: str = "", flaw: str = "") -> None:
        self.trigger_id = trigger_id
        self.flaw = flaw
        """What exactly is wrong: for the log only, because an answer that says it would help a forger."""
        super().__init__()


class Forbidden(Refused):
    """Not allowed."""

    code = "FORBIDDEN"
    example = ("acme/function-runs:read",)

    def __init__(self, grant: str) -> None:
        super().__init__(f"The grant {grant} is required.")


class FunctionNotPermitted(Refused):
    """The workspace may not invoke this function any more (the setting invokableFunctions)."""

    code = "FUNCTION_NOT_PERMITTED"


class InvalidRequest(Refused):
    """The request is not valid."""

    code = "INVALID_REQUEST"
    example: ClassVar[tuple[Any, ...]] = ("dryRun", "is not a query parameter of this operation.")

    def __init__(self, field: str, problem: str) -> None:
        self.field = field
        super().__init__(f"{field}: {problem}")


class TooLarge(InvalidRequest):
    """Too large."""

    code = "TOO_LARGE"
    example = ("body", "is larger than 4500000 bytes.")


class BusMissing(InvalidRequest):
    """There is no such event bus."""

    example = ("triggerMetadata.eventBusName",)

    def __init__(self, field: str) -> None:
        super().__init__(field, "names no event bus of this account and region.")


class InvalidRunId(Refused):
    """Invalid run ID."""

    code = "INVALID_RUN_ID"


class RunNotFound(Refused):
    """Original run not found."""

    code = "RUN_NOT_FOUND"


class WrongWorkspace(Refused):
    """Run does not belong to this workspace."""

    code = "WRONG_WORKSPACE"


class OrchestrationRun(Refused):
    """Orchestration-initiated runs must be rerun through the orchestration API."""

    code = "ORCHESTRATION_RUN"
    example = ("nightly-42",)

    def __init__(self, orchestration_id: str | None) -> None:
        self.orchestration_id = orchestration_id
        super().__init__()


class NoParameters(Refused):
    """Original run has no parameters stored."""

    code = "NO_PARAMETERS"


class DecryptionFailed(Refused):
    """Failed to decrypt original run parameters."""

    code = "DECRYPTION_FAILED"


class PartUnreadable(Refused):
    """Failed to decrypt a part of the run."""

    code = "DECRYPTION_FAILED"
    example = ("result",)

    def __init__(self, part: str) -> None:
        super().__init__(f"Failed to decrypt the stored {part}.")


class TriggerNotFound(Refused):
    """Original trigger not found. It may have been deleted."""

    code = "TRIGGER_NOT_FOUND"


class FunctionNotFound(Refused):
    """Function not found for a trigger."""

    code = "FUNCTION_NOT_FOUND"
    example = ("07000000-0000-4000-8000-000000000001",)

    def __init__(self, trigger_id: str) -> None:
        super().__init__(f"Function not found for trigger: {trigger_id}")


class NotFound(Refused):
    """Not found."""

    code = "NOT_FOUND"
    example = ("Run",)

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} not found.")


class Conflict(Refused):
    """The request does not fit the present state."""

    code = "CONFLICT"


class NameTaken(Conflict):
    """The name is taken."""

    code = "NAME_TAKEN"
    example = ("trigger",)

    def __init__(self, kind: str) -> None:
        super().__init__(f"A {kind} of this name already exists in the workspace. Choose another name.")


class PathTaken(Conflict):
    """Another trigger of the workspace receives webhooks at this path. Choose another path."""

    code = "PATH_TAKEN"


class TriggerDisabled(Conflict):
    """The trigger is disabled. Enable it to start runs."""

    code = "TRIGGER_DISABLED"


class TriggerUnreadable(Conflict):
    """The trigger's params can no longer be decrypted. Delete the trigger and create it again."""

    code = "TRIGGER_UNREADABLE"


class BeingChanged(Conflict):
    """The trigger is being changed at this moment. Try again in a minute."""

    code = "BEING_CHANGED"


class RunEnded(Conflict):
    """The run has ended."""

    code = "RUN_ENDED"
    example = ("completed",)

    def __init__(self, status: str) -> None:
        super().__init__(f"The run has ended ({status}): there is nothing left to cancel.")


class BatchEnded(Conflict):
    """The batch has ended."""

    code = "BATCH_ENDED"
    example = ("completed",)

    def __init__(self, state: str) -> None:
        super().__init__(f"The batch has ended ({state}): there is nothing left to change.")


class AlreadyRecovered(Conflict):
    """Nothing is left to recover: `runId` has completed."""

    code = "ALREADY_RECOVERED"
    example = ("550e8400-e29b-41d4-a716-446655440000",)

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        super().__init__()


class RerunOpen(Conflict):
    """A run of the lineage has not come to its end: `runId`. Wait for it, or cancel it."""

    code = "RERUN_OPEN"
    example = ("550e8400-e29b-41d4-a716-446655440000",)

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        super().__init__()


class IdempotencyKeyReused(Conflict):
    """The Idempotency-Key was sent with another request within the last 24 hours. Use a new key."""

    code = "IDEMPOTENCY_KEY_REUSED"


class EffectKeyUnknown(Conflict):
    """The service has not executed the source run: no function knows its effect key. Leave `effects` out, or wait."""

    code = "EFFECT_KEY_UNKNOWN"


class PlanOutdated(Conflict):
    """What the plan showed is no longer so. Nothing was started."""

    code = "PLAN_OUTDATED"
    example = (["trigger"],)

    def __init__(self, changed: list[str]) -> None:
        self.changed = changed
        super().__init__(f"What the plan showed is no longer so: {', '.join(changed)}. Make a new plan.")


class SourceLimitReached(Conflict):
    """AWS takes no more rules on this event bus, or schedules, in this account. Raise the quota or delete some."""

    code = "SOURCE_LIMIT_REACHED"


class Stale(Refused):
    """It has been changed since you read it. Read it again, and repeat your change on what you find."""

    code = "STALE"


class VersionRequired(Refused):
    """Say which version you changed: send the ETag of your GET as If-Match, or its version in the body."""

    code = "VERSION_REQUIRED"


class RerunLimitReached(Conflict):
    """The lineage has as many re-runs as it may have."""

    code = "RERUN_LIMIT_REACHED"
    example = (1000,)

    def __init__(self, limit: int) -> None:
        super().__init__(f"This would be more than the {limit} re-runs of an original that this installation allows.")


class Unavailable(ServiceError):
    """The service is busy. Try again."""

    code = "UNAVAILABLE"


class Misconfigured(Unavailable):
    """The service is not set up as it should be: AWS refuses what it needs. The operator has been alerted."""

    code = "SERVICE_MISCONFIGURED"
