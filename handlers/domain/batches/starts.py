"""Re-run what a step has chosen."""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from handlers.domain import clock
from handlers.domain.batches.batch import Batch
from handlers.domain.batches.judging import Startable
from handlers.domain.batches.ports import StepDeps
from handlers.domain.batches.progress import AGAINST_RERUN, NotStarted, not_started
from handlers.domain.errors import DecryptionFailed, Misconfigured, RunNotFound, ServiceError, Unavailable
from handlers.domain.json_document import JsonObject, parse_object
from handlers.domain.log_context import concerns_run, log_context
from handlers.domain.runs.recording import RecordedRun
from handlers.domain.runs.run import Part, Pin, version_of
from handlers.domain.seal import KeyRefused, SealBroken
from handlers.domain.starting.rerun import effect_key_of, rerun_of
from handlers.domain.starting.rerun_parameters import contents_of, open_unattended
from handlers.domain.starting.start import NewRun, StartDeps, Started, commit


class Starts(NamedTuple):
    """What has come of chosen sources, by their ids. Of those in neither it is not known, or nothing has come yet."""

    started: list[str]
    not_started: Mapping[str, NotStarted]
    is_unavailable: bool
    """Whether AWS did not answer, or refused."""


def start_all(
    chosen: Sequence[Startable],
    due_times: Sequence[datetime],
    batch: Batch,
    deps: StepDeps,
    *,
    has_time: Callable[[], bool],
) -> Starts:
    """Recorded, and pushed to be executed when each is due, as far as there is time. Never fails."""
    try:
        overrides = _overrides(batch, deps)
        recorded = _with_parameters(chosen, deps)
    except DecryptionFailed as refused:
        return Starts([], {each.source.id: not_started(refused) for each in chosen}, is_unavailable=False)
    except Unavailable as fault:
        deps.report(fault, batch.id)
        return Starts([], {}, is_unavailable=True)

    def start(each: Startable) -> Started | NotStarted | Unavailable | None:
        if not has_time():
            return None
        with log_context():
            concerns_run(each.source.id, each.source.lineage_id)
            return _start(each, recorded.get(each.source.id), overrides, batch, deps)

    results = dict(zip([each.source.id for each in chosen], deps.workers.map(start, chosen), strict=True))
    started = {source: each for source, each in results.items() if isinstance(each, Started)}
    due = dict(zip(results, due_times, strict=True))
    # Those that were there before are with the watchdog, if they were not pushed then.
    new = [(each.run, _delay(due[source])) for source, each in started.items() if each.is_new]
    if new:
        deps.queue.push_all(new)
    faults = [each for each in results.values() if isinstance(each, Unavailable)]
    if faults:
        deps.report(faults[0], batch.id)
    against = {source: each for source, each in results.items() if isinstance(each, NotStarted)}
    return Starts(list(started), against, is_unavailable=bool(faults))


def _delay(moment: datetime) -> int:
    """Rounded down: to start many has taken a moment, too."""
    return max(0, math.floor((moment - clock.now()).total_seconds()))


def _start(
    chosen: Startable, recorded: RecordedRun | None, overrides: JsonObject | None, batch: Batch, deps: StepDeps
) -> Started | NotStarted | Unavailable:
    try:
        try:
            new = _prepared(chosen, recorded, overrides, batch, deps)
        except ServiceError:
            raise
        except Exception as fault:  # noqa: BLE001 - a source that cannot be read must not keep the others waiting
            deps.report(fault, chosen.source.id)
            return NotStarted(refused=ServiceError.code)
        return commit(new, StartDeps(deps.runs, deps.cipher, None, deps.retention))
    except AGAINST_RERUN as stands:
        return not_started(stands)
    except Unavailable as fault:
        return fault


def _prepared(
    chosen: Startable, recorded: RecordedRun | None, overrides: JsonObject | None, batch: Batch, deps: StepDeps
) -> NewRun:
    """Raises a Refused or Unavailable."""
    source, function = chosen.source, chosen.function
    if recorded is None:
        raise RunNotFound
    parameters = open_unattended(recorded, deps.cipher)
    run = rerun_of(
        source,
        chosen.trigger,
        function,
        deps.retention,
        clock.now(),
        not_before=None,
        id=batch.rerun_id(source.id),
        batch_id=batch.id,
        effect_key=effect_key_of(source, batch.effects),
        pin=_pin(chosen, batch),
        rerun_by=batch.by,
        rerun_reason=batch.reason,
        use_latest_code=batch.use_latest_code,
        retriable=chosen.retries,
    )
    contents = contents_of(source, parameters, overrides, reveals=batch.reveals)
    return NewRun(run, contents, expected_reruns=chosen.expected_reruns)


def _pin(chosen: Startable, batch: Batch) -> Pin | None:
    if batch.function_version is not None:
        return version_of(chosen.function.function_arn, batch.function_version)
    return None if batch.use_latest_code else chosen.source.pin


def _overrides(batch: Batch, deps: StepDeps) -> JsonObject | None:
    """Raises DecryptionFailed or Unavailable."""
    if not batch.has_overrides:
        return None
    sealed = deps.batches.sealed_overrides(batch.id)
    if sealed is None:
        raise DecryptionFailed  # without them it would be another re-run than was asked for
    try:
        return parse_object(deps.cipher.open(sealed, batch.overrides_context).decode())
    except KeyRefused as refused:
        raise Misconfigured from refused
    except SealBroken as broken:
        raise DecryptionFailed from broken


def _with_parameters(chosen: Sequence[Startable], deps: StepDeps) -> dict[str, RecordedRun]:
    """By their ids; what is gone is left out. Raises Unavailable."""
    found = deps.runs.read_recorded([each.source.id for each in chosen], Part.PARAMETERS)
    return {each.run.id: each for each in found}
