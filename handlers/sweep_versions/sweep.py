"""Delete published versions that no kept run names: once a month, and only where the context asks for it.

A version goes only if all of this is so: its description says that this service published it; no alias points to it;
it is not its function's newest; it and its successor are older than a day; no run in the table names it. Nothing holds
Lambda and the table still meanwhile, so the order of the steps is what makes it safe. Versions and aliases are looked
at first, then the runs, then those recorded since. What may come to name a version after its turn was read?

- A re-run, by copying its source: that source was kept, so it was read and names the version too. A source may expire
  before its own turn comes; then its re-run is found among those recorded since. The pause before they are read is
  longer than any entry point may take from reading a source to recording its copy, the index to follow, or clocks to
  differ.
- A run that takes the current code: that is the newest version, or became an older one a moment ago. A day is a
  hundred times as long as an executor lives. The successor's age is asked for because Lambda may date a version by
  its code, not by its publication.
- A run through an alias: the alias was seen to point there. Should it have come to do so since, Lambda refuses to
  delete the version. What is left is an alias that goes to an old version and away again while a sweep is at work.
- A captured failure that is delivered late, of an old version that was called by number or through an alias since
  moved. Its re-run fails and says that the version is gone, as after any deletion of a team's own.

Calls of versions by number, and a second installation that runs the same functions, are not seen: see the guarantees
in docs/explanation.

Each deletion stands alone, and is not undone by a second: two sweeps at once, one delivered twice, or one that dies
half way do no harm. What is refused, throttled or left when time runs out has its turn a month later. Of a function
with a run that cannot be read nothing is deleted, and nothing at all if that run does not tell its function, or if the
runs could not all be read in time.
"""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple, Protocol

from handlers.domain import clock
from handlers.domain.process_each import process_each

MIN_AGE = timedelta(days=1)
# Lambda answers 15 calls a second of this kind, and executors need them too. With more functions than this, which
# have their turn is left to chance, so that none is always left out.
MAX_FUNCTIONS = 500
# Entry points that copy runs live for a minute at most; the index of runs follows the table within a second.
PAUSE_SECONDS = 90.0
# Runs carry the time of the clock that recorded them.
OVERLAP = timedelta(minutes=5)


class Version(NamedTuple):
    """A published version of a function."""

    arn: str
    number: int
    is_ours: bool
    """Published by this service, not by the team."""
    is_aliased: bool
    modified_at: datetime


class VersionReference(NamedTuple):
    """A run keeps a version; without `version_arn` it is not known which one of its function."""

    function_arn: str
    version_arn: str | None


class UnreadableRun(Exception):
    """A kept run cannot be read, not even which function it is of: it may name any version."""


class Versions(Protocol):
    def of(self, function_arn: str) -> list[Version]:
        """All that are published of a function; none if it is gone. Raises Unavailable."""

    def delete(self, version_arn: str) -> bool:
        """False if Lambda holds on to it, for an alias say. Deleted before is deleted. Raises Unavailable."""


class References(Protocol):
    def functions(self) -> set[str]:
        """The Lambda functions that any workspace has registered, without qualifier."""

    def by_runs(self, *, since: datetime | None = None) -> Iterator[list[VersionReference]]:
        """By all runs that are kept, or by those recorded since, a page at a time. Raises UnreadableRun."""


class SweepDeps(NamedTuple):
    """What a sweep needs."""

    versions: Versions
    references: References
    wait: Callable[[float], None] = time.sleep


class SweepResult(StrEnum):
    """What becomes of a version, and why."""

    DELETED = "deleted"
    NOT_OURS = "not published here"
    ALIASED = "behind an alias"
    NEWEST = "newest"
    YOUNG = "young"
    NAMED = "named by a run"
    HELD = "held by Lambda"
    FAILED = "failed to be deleted"
    LEFT = "left for want of time"
    UNSEEN = "function not seen"
    """Counts functions."""
    UNFINISHED = "unfinished"
    """Counts sweeps that could not read all they had to, and so deleted nothing."""


Candidates = dict[str, set[str]]
"""Versions that may go if no run names them, by function."""


class _OutOfTime(Exception):
    """Before everything was read that has to be."""


def sweep_versions(
    deps: SweepDeps, *, has_time: Callable[[], bool], report: Callable[[Exception, str], None]
) -> Counter[SweepResult]:
    """How many versions had each result. Faults are reported with the ARN they are about. Raises UnreadableRun."""
    begun = clock.now()
    results: Counter[SweepResult] = Counter()
    candidates: Candidates = {}
    try:
        for function_arn in _chosen(deps.references.functions()):
            _check(has_time)
            results += _survey(function_arn, candidates, deps.versions, report)
        found = _size(candidates)
        if found:
            _drop_referenced(candidates, deps.references.by_runs(), has_time)
            deps.wait(PAUSE_SECONDS)
            _drop_referenced(candidates, deps.references.by_runs(since=begun - OVERLAP), has_time)
    except _OutOfTime:
        return results + Counter({SweepResult.LEFT: _size(candidates), SweepResult.UNFINISHED: 1})
    results[SweepResult.NAMED] = found - _size(candidates)
    deleted = process_each(
        sorted(version_arn for versions in candidates.values() for version_arn in versions),
        lambda version_arn: SweepResult.DELETED if deps.versions.delete(version_arn) else SweepResult.HELD,
        failed=SweepResult.FAILED,
        has_time=has_time,
        report=report,
    )
    results[SweepResult.LEFT] = _size(candidates) - deleted.total()
    return results + deleted


def _chosen(functions: set[str]) -> list[str]:
    return random.sample(sorted(functions), min(len(functions), MAX_FUNCTIONS))


def _check(has_time: Callable[[], bool]) -> None:
    if not has_time():
        raise _OutOfTime


def _size(candidates: Candidates) -> int:
    return sum(map(len, candidates.values()))


def _survey(
    function_arn: str, candidates: Candidates, versions: Versions, report: Callable[[Exception, str], None]
) -> Counter[SweepResult]:
    """Adds to `candidates`; gives why the others stay."""
    try:
        published = sorted(versions.of(function_arn), key=lambda version: version.number)
    except Exception as fault:  # noqa: BLE001 - it must not keep the others waiting
        report(fault, function_arn)
        return Counter({SweepResult.UNSEEN: 1})
    stays: Counter[SweepResult] = Counter()
    for version, successor in pairwise([*published, None]):
        if version is None:
            continue
        if reason := _reason_to_stay(version, successor):
            stays[reason] += 1
        else:
            candidates.setdefault(function_arn, set()).add(version.arn)
    return stays


def _reason_to_stay(version: Version, successor: Version | None) -> SweepResult | None:
    """Whatever runs there are."""
    if not version.is_ours:
        return SweepResult.NOT_OURS
    if version.is_aliased:
        return SweepResult.ALIASED
    if successor is None:
        return SweepResult.NEWEST
    if max(version.modified_at, successor.modified_at) > clock.now() - MIN_AGE:
        return SweepResult.YOUNG
    return None


def _drop_referenced(
    candidates: Candidates, references: Iterator[list[VersionReference]], has_time: Callable[[], bool]
) -> None:
    """Takes from `candidates` what is used. Raises _OutOfTime."""
    for page in references:
        _check(has_time)
        for use in page:
            if use.version_arn is None:
                candidates.pop(use.function_arn, None)
            else:
                candidates.get(use.function_arn, set()).discard(use.version_arn)
