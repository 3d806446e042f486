"""What came of a call here, beside what the service has recorded, by the rules of its own comparisons.

Results agree as JSON: the order of keys does not count, `true` is not `1`, and `1`, `1.0` and `1e0` agree. Errors agree
if they are of one type and were raised in the same functions of the same files. Messages and line numbers do not count,
nor do Python's own frames.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby, islice
from typing import Any, NamedTuple

from fnrun.debugging.outcome import Outcome
from fnrun.debugging.pointers import below, pruned

ENDED = ("completed", "failure", "timeout")
MAX_DIFFERENCES = 50
_FRAME = re.compile(r'\s*File "(?P<file>[^"]*)", line \d+, in (?P<function>[^\n]+)')
# What stands before the part of a file's name that is the same here and on AWS.
_PACKAGES = re.compile(r"^(?:.*/(?:site-packages|dist-packages)/|/var/runtime/|/var/task/|/opt/python/|/opt/)")
_PYTHON_S_OWN = re.compile(r"<frozen |.*/lib/python3\.\d+/(?!site-packages/|dist-packages/)")


class Frame(NamedTuple):
    file: str
    function: str

    def __str__(self) -> str:
        return f"{self.function} in {self.file}"


class Comparison(NamedTuple):
    agrees: bool | None
    """None: the run has no outcome of its function."""
    differs: tuple[str, ...] = ()
    """`status`, `errorCode`, `frames` or `result`."""
    not_compared: tuple[str, ...] = ()
    """Of `result` and `frames`: what the recorded run does not show."""
    differences: tuple[Mapping[str, Any], ...] = ()
    """The first that the results have, in the form of the API's: `before` is what is recorded."""


def compare(outcome: Outcome, run: Mapping[str, Any], *, ignored: Iterable[str] = ()) -> Comparison:
    """`run` is the API's document, with `result` and `error` if they could be revealed.

    `ignored` are JSON Pointers to what does not count when results are compared, `*` for any member or element.
    """
    if run["status"] not in ENDED or run["errorSource"] == "service":
        return Comparison(None)
    if outcome.status != run["status"]:
        return Comparison(agrees=False, differs=("status",))
    if outcome.status == "completed":
        return _compare_results(outcome, run, [*ignored])
    if outcome.error_code != run["errorCode"]:
        return Comparison(agrees=False, differs=("errorCode",))
    return _compare_frames(outcome, run)


def _compare_results(outcome: Outcome, run: Mapping[str, Any], ignored: Sequence[str]) -> Comparison:
    if "result" not in run or run["resultOmitted"] or run["erasedAt"]:
        return Comparison(agrees=True, not_compared=("result",))
    here, there = (pruned(each, ignored) for each in (outcome.result, run["result"]))
    found = tuple(islice(_differences(here, there), MAX_DIFFERENCES))
    return Comparison(agrees=not found, differs=("result",) if found else (), differences=found)


def _compare_frames(outcome: Outcome, run: Mapping[str, Any]) -> Comparison:
    if not isinstance(run.get("error"), dict):  # not revealed, erased, or so large that it was cut
        return Comparison(agrees=True, not_compared=("frames",))
    here, there = frames_of(outcome.error), frames_of(run["error"])
    return Comparison(agrees=here == there, differs=() if here == there else ("frames",))


def frames_of(error: Mapping[str, Any] | None) -> tuple[Frame, ...]:
    """The innermost first, direct repetitions once; whatever a function has made up, nothing raises."""
    trace = (error or {}).get("stackTrace")
    frames = _frames(trace) if isinstance(trace, list) else iter(())
    return tuple(frame for frame, _ in groupby(frames))


def _frames(trace: Sequence[Any]) -> Iterator[Frame]:
    for line in reversed(trace):
        found = _FRAME.match(line) if isinstance(line, str) else None
        if found and not _PYTHON_S_OWN.match(found["file"]):
            yield Frame(_PACKAGES.sub("", found["file"]), found["function"].strip())


def _differences(here: Any, there: Any, pointer: str = "") -> Iterator[dict[str, Any]]:
    if isinstance(here, dict) and isinstance(there, dict):
        for key in {**there, **here}:
            yield from _member(here, there, key, below(pointer, key))
    elif isinstance(here, list) and isinstance(there, list):
        ours, theirs = dict(enumerate(here)), dict(enumerate(there))
        for at in {**theirs, **ours}:
            yield from _member(ours, theirs, at, below(pointer, at))
    elif not _is_alike(here, there):
        yield {"pointer": pointer, "kind": "changed", "before": there, "after": here}


def _member(here: Mapping[Any, Any], there: Mapping[Any, Any], key: Any, pointer: str) -> Iterator[dict[str, Any]]:
    if key not in there:
        yield {"pointer": pointer, "kind": "added", "after": here[key]}
    elif key not in here:
        yield {"pointer": pointer, "kind": "removed", "before": there[key]}
    else:
        yield from _differences(here[key], there[key], pointer)


def _is_alike(here: Any, there: Any) -> bool:
    """Of scalars, or of values of different kinds."""
    return here == there and isinstance(here, bool) == isinstance(there, bool)
