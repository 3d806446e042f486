"""Which elements of two arrays are the same, so that one more at the beginning does not change all that follow.

Elements that each array has exactly once are matched, as many as keep their order; so are the equal ones around them
(this is "patience diff"). It takes n log n steps, whatever is in the arrays. `difflib` takes up to n³ of them: an array
that was made to be slow would stop the answer.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple


class Gap(NamedTuple):
    """Parts of both arrays that stand in each other's place, from `start` to before `end`; one of them may be empty."""

    start: tuple[int, int]
    end: tuple[int, int]


def gaps(before: Sequence[object], after: Sequence[object]) -> Iterator[Gap]:
    """What is left of both between elements that are the same, in order. The elements are hashable."""
    middle = _trimmed(before, after, Gap((0, 0), (len(before), len(after))))
    start = middle.start
    for anchor in (*_anchors(before, after, middle), middle.end):
        gap = _trimmed(before, after, Gap(start, anchor))
        if gap.start != gap.end:
            yield gap
        start = anchor


def _trimmed(before: Sequence[object], after: Sequence[object], gap: Gap) -> Gap:
    """Without the elements that are the same at its beginning and at its end."""
    (i, j), (i_end, j_end) = gap
    while i < i_end and j < j_end and before[i] == after[j]:
        i, j = i + 1, j + 1
    while i < i_end and j < j_end and before[i_end - 1] == after[j_end - 1]:
        i_end, j_end = i_end - 1, j_end - 1
    return Gap((i, j), (i_end, j_end))


def _anchors(before: Sequence[object], after: Sequence[object], within: Gap) -> list[tuple[int, int]]:
    """The longest series of elements that each side has once, in the order of both."""
    (i, j), (i_end, j_end) = within
    often, often_after = Counter(before[i:i_end]), Counter(after[j:j_end])
    unique = {element for element, times in often.items() if times == often_after[element] == 1}
    positions = {element: at for at, element in enumerate(after[j:j_end], j) if element in unique}
    return _increasing([(at, positions[each]) for at, each in enumerate(before[i:i_end], i) if each in unique])


def _increasing(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest series in which the second numbers increase as the first ones do, by patience sorting."""
    # Of the series of each length found so far, the one with the smallest end: that end, and the pair's number.
    ends: list[int] = []
    last: list[int] = []
    previous: list[int] = []
    for number, (_, end) in enumerate(pairs):
        length = bisect_left(ends, end)
        previous.append(last[length - 1] if length else -1)
        ends[length : length + 1], last[length : length + 1] = [end], [number]
    series = []
    at = last[-1] if last else -1
    while at >= 0:
        series.append(pairs[at])
        at = previous[at]
    return series[::-1]
