"""Published versions, and what runs make of them, in memory."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from handlers.domain import clock
from handlers.domain.errors import Unavailable
from handlers.domain.function_arns import base_arn
from handlers.domain.runs.run import FunctionRun
from handlers.sweep_versions.sweep import UnreadableRun, Version, VersionReference
from tests.builders import FUNCTION_ARN, NOW
from tests.fakes.services import nothing


def a_version(number: int, *, function_arn: str = FUNCTION_ARN, days_old: float = 30, **changes: bool) -> Version:
    """One of ours that no alias points to."""
    literals = {"is_ours": True, "is_aliased": False} | changes
    return Version(f"{function_arn}:{number}", number, modified_at=NOW - timedelta(days=days_old), **literals)


class FakeVersions:
    def __init__(self) -> None:
        self.published: dict[str, list[Version]] = {}
        self.locked: set[str] = set()
        """Lambda does not let go of these."""
        self.broken: set[str] = set()
        """Functions and versions of which Lambda does not answer."""
        self.request: list[str] = []
        self.deleted: list[str] = []

    def has(self, *versions: Version) -> None:
        for version in versions:
            self.published.setdefault(base_arn(version.arn), []).append(version)

    def of(self, function_arn: str) -> list[Version]:
        self.request.append(function_arn)
        if function_arn in self.broken:
            raise Unavailable
        return list(self.published.get(function_arn, []))

    def delete(self, version_arn: str) -> bool:
        if version_arn in self.broken:
            raise Unavailable
        if version_arn in self.locked:
            return False
        function_arn = base_arn(version_arn)
        kept = [each for each in self.published.get(function_arn, []) if each.arn != version_arn]
        self.published[function_arn] = kept
        self.deleted.append(version_arn)
        return True


class FakeUses:
    """Runs are read in the order in which they were recorded, one a page."""

    def __init__(self) -> None:
        self.registered = {FUNCTION_ARN}
        self.runs: list[FunctionRun] = []
        self.unreadable: dict[str, str | None] = {}
        """Runs whose version is not known, with their function if that is."""
        self.meanwhile: Callable[[], object] = nothing
        """Happens once, before the last run is read; the index does not tell of what it records."""

    def functions(self) -> set[str]:
        return self.registered

    def by_runs(self, *, since: datetime | None = None) -> Iterator[list[VersionReference]]:
        found = [run for run in self.runs if since is None or run.created_at >= since]
        for run in found:
            if run is found[-1]:
                meanwhile, self.meanwhile = self.meanwhile, nothing
                meanwhile()
            yield [use for use in [self._use(run)] if use is not None]

    def _use(self, run: FunctionRun) -> VersionReference | None:
        if run.expires_at <= clock.now():
            return None
        if run.id in self.unreadable:
            function_arn = self.unreadable[run.id]
            if function_arn is None:
                raise UnreadableRun(run.id)
            return VersionReference(function_arn, None)
        return VersionReference(base_arn(run.function_arn), run.pin.function_version_arn) if run.pin else None
