"""Capture failed asynchronous invocations: the way in for functions that nobody starts through this service.

Those of a function that is registered with `captureFailures`, by a workspace that may invoke it, become failed runs,
which can be re-run; of all others nothing is kept.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from handlers.domain import clock
from handlers.domain.clock import Timestamp
from handlers.domain.document import Document
from handlers.domain.function_arns import LATEST, InvokablePatterns, base_arn, is_function_arn
from handlers.domain.ids import derived_id
from handlers.domain.log_context import add_ids, concerns_run, current_ids, log_context
from handlers.domain.registry.entities import ComputeFunction, FunctionTrigger
from handlers.domain.runs.finish import ended_before_recorded, publish
from handlers.domain.runs.outcome import Outcome, error_name, pack
from handlers.domain.runs.parameters import NOT_RECORDED, Parameters, keep_text
from handlers.domain.runs.ports import ErrorGroups, LifecycleBus, RunTransitions
from handlers.domain.runs.recording import Retention, seal_parts
from handlers.domain.runs.run import ExecutionSource, FunctionRun, Part, Pin
from handlers.domain.seal import Cipher
from handlers.domain.starting.invocation_record import InvocationRecord
from handlers.domain.starting.start import RunRecorder, StartRequest, new_run

# The condition of a record for an on-success destination.
SUCCESS = "Success"
_VERSION = re.compile(r"[0-9]{1,20}")


class Registration(Document):
    """A registered function with `captureFailures`: it says to which workspace and trigger a failure belongs."""

    workspace: str
    function_id: str
    function_arn: str
    trigger_id: str
    created_at: Timestamp


class CapturingFunction(NamedTuple):
    """A function that wants its failures captured, and the trigger that they belong to."""

    function: ComputeFunction
    trigger: FunctionTrigger


class CapturingReader(Protocol):
    def registrations(self, base_function_arn: str) -> list[Registration]:
        """Of all functions, in any workspace, that capture failures of the Lambda of this ARN: by one query."""

    def read_capturing(self, registrations: Sequence[Registration]) -> CapturingFunction | None:
        """Of the registrations of one workspace the first that is still there, with its trigger.

        As a rule by one read, and by three at most.
        """


class CapturedRuns(RunRecorder, RunTransitions, Protocol):
    """Records runs that have ended, and marks their events as published."""


class CaptureDeps(NamedTuple):
    """What capturing needs."""

    runs: CapturedRuns
    registry: CapturingReader
    cipher: Cipher
    bus: LifecycleBus
    groups: ErrorGroups
    retention: Retention
    invokable: InvokablePatterns


class CaptureResult(StrEnum):
    CAPTURED = "captured"
    AGAIN = "captured before"
    NOT_REGISTERED = "not registered"
    NOT_PERMITTED = "not permitted"
    """The workspace may no longer invoke the function."""
    NO_FAILURE = "no failure"


class Capture(NamedTuple):
    """What became of a record in one workspace."""

    result: CaptureResult
    run: FunctionRun | None = None


def capture(record: InvocationRecord, deps: CaptureDeps) -> list[Capture]:
    """What became of it in each workspace that captures failures of the function. Raises Unavailable.

    A fault in one workspace is raised once the others have been served: the record is then delivered again.
    """
    if record.request_context.condition == SUCCESS:
        return [Capture(CaptureResult.NO_FAILURE)]
    invoked = record.request_context.function_arn
    if not is_function_arn(invoked):
        return [Capture(CaptureResult.NOT_REGISTERED)]
    by_workspace: dict[str, list[Registration]] = defaultdict(list)
    for each in deps.registry.registrations(base_arn(invoked)):
        by_workspace[each.workspace].append(each)
    captured: list[Capture] = []
    faults: list[tuple[Exception, Mapping[str, str]]] = []
    for workspace, registrations in by_workspace.items():
        with log_context():
            try:
                captured.append(_capture_for(workspace, registrations, record, deps))
            except Exception as fault:  # noqa: BLE001 - it must not keep the other workspaces waiting
                faults.append((fault, current_ids()))
    if faults:
        first, ids = faults[0]
        add_ids(**ids)
        raise first
    return captured or [Capture(CaptureResult.NOT_REGISTERED)]


def _capture_for(
    workspace: str, registrations: list[Registration], record: InvocationRecord, deps: CaptureDeps
) -> Capture:
    invoked = record.request_context.function_arn
    if not deps.invokable.allows(workspace, invoked):
        return Capture(CaptureResult.NOT_PERMITTED)
    capturing = deps.registry.read_capturing(_by_fit(registrations, invoked))
    return Capture(CaptureResult.NOT_REGISTERED) if capturing is None else _capture(record, capturing, deps)


def _by_fit(registrations: list[Registration], invoked_arn: str) -> list[Registration]:
    """A workspace may have registered several aliases: the one that was invoked, or else the function itself."""
    invoked_arn = invoked_arn.removesuffix(f":{LATEST}")

    def rank(each: Registration) -> tuple[Any, ...]:
        is_another = each.function_arn != invoked_arn
        is_alias = each.function_arn != base_arn(each.function_arn)
        return is_another, is_alias, each.created_at, each.function_id

    return sorted(registrations, key=rank)


def _capture(record: InvocationRecord, capturing: CapturingFunction, deps: CaptureDeps) -> Capture:
    outcome = _outcome(record)
    parameters = NOT_RECORDED if record.request_payload is None else keep_text(record.request_payload)
    run = parameters.of(_run_of(record, capturing, outcome, deps, clock.now()))
    concerns_run(run.id, run.lineage_id)
    contents = _contents(parameters, outcome)
    if not deps.runs.record(run, seal_parts(run, contents, deps.cipher)):
        return Capture(CaptureResult.AGAIN, run)
    publish(run, deps)
    return Capture(CaptureResult.CAPTURED, run)


def _outcome(record: InvocationRecord) -> Outcome:
    if record.response_payload is None:
        # Never executed, or not to its end: the condition is all there is to tell.
        condition = error_name(record.request_context.condition) or "Failed"
        return Outcome.of_error(condition, "Lambda gave the invocation up.")
    return Outcome.of_failed_invocation(record.response_payload.encode(errors="backslashreplace"))


def _run_of(
    record: InvocationRecord, capturing: CapturingFunction, outcome: Outcome, deps: CaptureDeps, at: datetime
) -> FunctionRun:
    run_id = derived_id("captured", capturing.function.id, record.request_context.request_id)
    pin, reported = _version(record)
    begun = new_run(
        capturing.trigger,
        capturing.function,
        StartRequest(ExecutionSource.CAPTURED, {}, run_id=run_id),
        deps.retention,
        at,
    )
    ended = ended_before_recorded(begun, outcome, deps.groups.group_of(begun, outcome))
    return ended.evolve(pin=pin, reported_version=reported)


def _version(record: InvocationRecord) -> tuple[Pin | None, str | None]:
    """The version that was executed, pinned if it is one that stays; `$LATEST` moves on with each deploy."""
    version = record.executed_version
    if not _VERSION.fullmatch(version):
        return None, LATEST if version == LATEST else None
    arn = f"{base_arn(record.request_context.function_arn)}:{version}"
    return Pin(function_version_arn=arn, function_version=version), None


def _contents(parameters: Parameters, outcome: Outcome) -> dict[Part, bytes]:
    contents = {Part.OUTCOME: pack(outcome.contents())}
    if parameters.text is not None:
        contents[Part.PARAMETERS] = parameters.text
    return contents
