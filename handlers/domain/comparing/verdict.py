"""What an experiment shows: whether the code, the world around it, or chance made the difference.

The same input was executed on the original's code (the pinned side) and on a candidate, several times each:

    flaky             a side does not agree with itself
    same              all agree: neither makes a difference
    code              the pinned code does as the original did, the candidate does not
    world             both do the same, and not what the original did
    code-and-world    the pinned code does not do as the original did, and the candidate does something else
    inconclusive      something is missing without which nothing can be said; the reasons say what

Chance is seen only if it shows: a function that does one of two things at random is called `code` with a probability
of 4 ** -repeats, which is 6.3 %, 1.6 % and 0.1 % for 2, 3 and 5 repeats.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from handlers.domain.comparing.agreement import Ignored, error_fingerprint, result_fingerprint, work_of
from handlers.domain.runs.run import Content, ErrorSource, FunctionRun, Status

MAX_WORK = 25_000_000
"""Of one experiment: about 15 s of CPU, of the 29 s in which the API has to answer. See `work_of`."""


class Verdict(StrEnum):
    SAME = "same"
    CODE = "code"
    WORLD = "world"
    CODE_AND_WORLD = "code-and-world"
    FLAKY = "flaky"
    INCONCLUSIVE = "inconclusive"


class Reason(StrEnum):
    """Why nothing can be said."""

    PIN_UNKNOWN = "pin-unknown"
    """Which code the original was executed by is not known exactly."""
    SEVERAL_CANDIDATES = "several-candidate-versions"
    """The candidate's runs were executed by more than one version."""
    ORIGINAL_OPEN = "original-open"
    NOT_EXECUTED = "not-executed"
    """A run ended without an outcome of the function's own: cancelled, or given up by Lambda or this service."""
    OUTCOME_ERASED = "outcome-erased"
    OUTCOME_OMITTED = "outcome-omitted"
    """A result was more than could be kept."""
    OUTCOME_GONE = "outcome-gone"
    """A run, or its outcome, has expired or cannot be found."""
    TOO_LARGE_TO_COMPARE = "too-large-to-compare"
    """Together the outcomes hold so many values that the API would not answer in time. Equal bytes count once."""


class Conclusion(NamedTuple):
    verdict: Verdict
    reasons: tuple[Reason, ...] = ()
    """Of an inconclusive one, in the order above, each once."""


Observation = str | Reason
"""What a run did, equal for runs that agree; or why that cannot be said."""


class Observer:
    """Of the runs of one experiment. Each outcome is fingerprinted once, however many runs have come to it."""

    def __init__(self, ignored: Iterable[str] = (), max_work: int = MAX_WORK) -> None:
        """`ignored` is of the results."""
        self._ignored = Ignored(ignored)
        self._work_left = max_work
        self._known: dict[tuple[Status, str | None, bytes], str] = {}

    def observe(self, run: FunctionRun | None, contents: Mapping[Content, bytes]) -> Observation:
        """`run` is None if it is gone. `contents` are those of its outcome, opened."""
        if run is None:
            return Reason.OUTCOME_GONE
        if run.status is Status.TIMEOUT and run.erased_at is None:
            return str(Status.TIMEOUT)
        is_completed = run.status is Status.COMPLETED
        wanted = contents.get(Content.RESULT if is_completed else Content.ERROR)
        if missing := _missing(run, wanted):
            return missing
        content = wanted or b""
        outcome = (run.status, run.error_code, hashlib.sha256(content).digest())
        if outcome not in self._known:
            self._work_left -= work_of(content)
            if self._work_left < 0:
                return Reason.TOO_LARGE_TO_COMPARE
            self._known[outcome] = (
                result_fingerprint(content, self._ignored)
                if is_completed
                else error_fingerprint(run.error_code, content)
            )
        return self._known[outcome]


def _missing(run: FunctionRun, wanted: bytes | None) -> Reason | None:
    reasons = {
        Reason.ORIGINAL_OPEN: run.status.is_open,
        Reason.NOT_EXECUTED: run.status is Status.CANCELLED or run.error_source is ErrorSource.SERVICE,
        Reason.OUTCOME_ERASED: run.erased_at is not None,
        Reason.OUTCOME_OMITTED: run.result_omitted,
        Reason.OUTCOME_GONE: wanted is None,
    }
    return next((reason for reason, is_so in reasons.items() if is_so), None)


def conclude(
    original: Observation,
    pinned: Sequence[Observation],
    candidate: Sequence[Observation],
    *,
    pin_known: bool,
    candidate_versions: Iterable[str | None],
) -> Conclusion:
    """Of runs that have all ended. `candidate_versions` are the versions' ARNs that the candidate's runs met."""
    missing = {each for each in (original, *pinned, *candidate) if isinstance(each, Reason)}
    if not pin_known:
        missing.add(Reason.PIN_UNKNOWN)
    if len(set(candidate_versions)) > 1:
        missing.add(Reason.SEVERAL_CANDIDATES)
    if missing:
        return Conclusion(Verdict.INCONCLUSIVE, tuple(each for each in Reason if each in missing))
    return Conclusion(_verdict(original, pinned, candidate))


def _verdict(original: Observation, pinned: Sequence[Observation], candidate: Sequence[Observation]) -> Verdict:
    if len(set(pinned)) > 1 or len(set(candidate)) > 1:
        return Verdict.FLAKY
    by_code = pinned[0] != candidate[0]
    by_world = pinned[0] != original
    match by_code, by_world:
        case False, False:
            return Verdict.SAME
        case True, False:
            return Verdict.CODE
        case False, True:
            return Verdict.WORLD
        case _:
            return Verdict.CODE_AND_WORLD
