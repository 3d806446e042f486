"""What a failure means to its group: it opens it, opens it again once it was resolved, or is one more of many.

The run's end is not published before its group knows of it: while it is pending, the watchdog comes back to both. The
run that opens a group stands in it until it has published that. So of however many failures at once one publishes it,
and it does so twice only if it dies in between.
"""

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from handlers.domain.error_groups.fingerprint import details_of, group_id
from handlers.domain.error_groups.group import MAX_VERSIONS, NOTED_EVERY, ErrorGroup, GroupBus, GroupState, GroupStore
from handlers.domain.errors import Unavailable
from handlers.domain.runs.outcome import Outcome
from handlers.domain.runs.run import ErrorSource, ExecutionSource, FunctionRun
from handlers.domain.seal import SealBroken

# So that it is not written for its expiry more often either.
_OUTLIVES_RUNS = NOTED_EVERY
# Others change it at the same time: the first failures of a group, or of a new version.
_ATTEMPTS = 5
_NUMBER = re.compile(r"[0-9]{1,20}")


class FailureGrouping(NamedTuple):
    """What failures need to be grouped."""

    store: GroupStore
    bus: GroupBus
    secret: Callable[[], bytes] | None = None
    """Of those who see what functions have raised. Raises Unavailable or SealBroken."""

    def group_of(self, run: FunctionRun, outcome: Outcome) -> str | None:
        """Experiments repeat a failure on purpose: they are in none. Nor is what fails while no secret can be had."""
        if not outcome.status.is_failed or run.execution_source is ExecutionSource.EXPERIMENT:
            return None
        source = outcome.error_source or ErrorSource.SERVICE
        code = outcome.error_code or ""
        details = details_of(outcome.error) if source is ErrorSource.FUNCTION else ()
        if not details:
            return group_id(run.function_id, source, code)
        try:
            secret = self.secret() if self.secret else None
        except (Unavailable, SealBroken):
            secret = None
        return None if secret is None else group_id(run.function_id, source, code, details, secret)

    def note(self, run: FunctionRun) -> bool:
        """Write to the run's group what the failure changes, and publish that the run has opened or reopened it.

        False if the bus did not take it. Raises Unavailable.
        """
        if run.error_group_id is None:
            return True
        for _ in range(_ATTEMPTS):
            found = self.store.read(run.workspace, run.error_group_id)
            group = _opened_by(run, run.error_group_id) if found is None else found.evolve(**_changes(run, found))
            if group == found or (self.store.create(group) if found is None else self.store.replace(found, group)):
                return self._published(group, run)
        if found is not None:
            raise Unavailable
        return True  # it cannot be read, which has been reported: a newer release may have written it

    def _published(self, group: ErrorGroup, run: FunctionRun) -> bool:
        if group.publishing != run.id:
            return True
        if not self.bus.publish_group(group, run):
            return False
        self.store.replace(group, group.evolve(publishing=None))
        return True


def _opened_by(run: FunctionRun, group_id: str) -> ErrorGroup:
    return ErrorGroup(
        id=group_id,
        workspace=run.workspace,
        function_id=run.function_id,
        error_code=run.error_code or "",
        error_source=run.error_source or ErrorSource.SERVICE,
        first_seen_at=run.created_at,
        opened_at=run.ended_at or run.created_at,
        function_versions=() if run.function_version is None else (run.function_version,),
        sample_run_id=run.id,
        last_failure_at=run.ended_at or run.created_at,
        publishing=run.id,
        expires_at=run.expires_at + _OUTLIVES_RUNS,
    )


def _changes(run: FunctionRun, group: ErrorGroup) -> dict[str, Any]:
    """What the failure changes in its group: as a rule, nothing."""
    changes: dict[str, Any] = {}
    if group.state is GroupState.RESOLVED and _is_new(run, group):
        changes = {
            "state": GroupState.OPEN,
            "version": group.version + 1,
            "opened_at": run.ended_at or run.created_at,
            "reopened": group.reopened + 1,
            "resolved_in_version": None,
            "sample_run_id": run.id,
            "publishing": run.id,
        }
    versions = _with_version(group.function_versions, run.function_version)
    if versions != group.function_versions:
        changes["function_versions"] = versions
    failed_at = run.ended_at or run.created_at
    if failed_at > group.last_failure_at + NOTED_EVERY:
        changes["last_failure_at"] = failed_at
    if run.expires_at > group.expires_at:
        changes["expires_at"] = run.expires_at + _OUTLIVES_RUNS
    return changes


def _is_new(run: FunctionRun, resolved: ErrorGroup) -> bool:
    """Whether it failed after the group was resolved, and not on code from before the version that has the fix."""
    if run.ended_at is not None and resolved.changed_at is not None and run.ended_at <= resolved.changed_at:
        return False
    version, fixed = run.function_version or "", resolved.resolved_in_version or ""
    are_numbers = _NUMBER.fullmatch(version) and _NUMBER.fullmatch(fixed)
    return not are_numbers or int(version) >= int(fixed)


def _with_version(versions: tuple[str, ...], version: str | None) -> tuple[str, ...]:
    """The newest, the newest first. `$LATEST` is newer than any that has a number."""
    if version is None or version in versions:
        return versions
    newest_first = sorted((*versions, version), key=_age)
    return tuple(newest_first[:MAX_VERSIONS])


def _age(version: str) -> tuple[bool, int, str]:
    is_number = _NUMBER.fullmatch(version) is not None
    return is_number, -int(version) if is_number else 0, version
