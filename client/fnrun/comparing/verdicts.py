"""What verdicts mean, and what to do next."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class Meaning(NamedTuple):
    sentence: str
    next_step: str
    """`{run}` is the source run."""


VERDICTS: Mapping[str, Meaning] = MappingProxyType(
    {
        "same": Meaning(
            "Neither the code nor the world makes a difference: both versions do what the run did.",
            "look for the cause in the parameters: fnrun runs show {run} --include parameters",
        ),
        "code": Meaning(
            "The code makes the difference: the version of the run still does what the run did, the candidate does "
            "not.",
            "if the candidate is right, this proves the fix: fnrun rerun {run} --latest",
        ),
        "world": Meaning(
            "The world has changed, not the code: both versions do the same, and not what the run did.",
            "a plain re-run does the same, too: fnrun rerun {run}",
        ),
        "code-and-world": Meaning(
            "Both have changed: the version of the run does not do what the run did, and the candidate something else.",
            "look at what the function reads; then compare the runs of both sides with fnrun compare",
        ),
        "flaky": Meaning(
            "One side does not agree with itself: it is chance, or a world that changes by the second.",
            "compare two runs of one side with fnrun compare; name with --ignore what may differ, such as a time",
        ),
        "inconclusive": Meaning("It cannot be said.", ""),
    }
)
REASONS: Mapping[str, Meaning] = MappingProxyType(
    {
        "source-open": Meaning("The run itself has not ended.", "ask again once it has"),
        "pin-unknown": Meaning(
            "Nobody knew which version the run executed.", "re-run it, and experiment on the re-run, which has one"
        ),
        "several-candidate-versions": Meaning(
            "Somebody deployed between two runs of the candidate.", "start another one, or name --candidate-version"
        ),
        "not-executed": Meaning(
            "A run was not executed to its end by the function: see ERROR.", "start another one once that is fixed"
        ),
        "outcome-omitted": Meaning(
            "A run answered more than can be kept.", "compare statuses and error codes: fnrun compare"
        ),
        "outcome-erased": Meaning("A run was erased.", "experiment on another run"),
        "outcome-gone": Meaning("A run or its outcome has expired, or could not be kept.", "experiment on a newer run"),
        "too-large-to-compare": Meaning(
            "The results hold more values than can be compared in time.",
            "take fewer --repeats, or a run with a smaller input",
        ),
    }
)
NO_VERDICTS: Mapping[str, Meaning] = MappingProxyType(
    {
        "reveal-required": Meaning(
            "The verdict says whether results are equal, and you may not see content.",
            "ask somebody with the grant function-runs:reveal",
        ),
        "runs-open": Meaning("Not all runs have ended.", "ask again: fnrun experiment show {run} {experiment}"),
    }
)
_NEWER_SERVICE = Meaning("The service knows more than this command line.", "update fnrun")


def meaning(known: Mapping[str, Meaning], name: str) -> Meaning:
    """Also of a name that only a newer service knows."""
    return known.get(name, _NEWER_SERVICE)
