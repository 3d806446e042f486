"""What differs between two documents: all of it, in words that can be read, whatever was sent."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.domain.comparing.agreement import Ignored, result_fingerprint
from handlers.domain.comparing.alignment import gaps
from handlers.domain.comparing.differences import MAX_SHOWN, MAX_SHOWN_BYTES, MAX_VALUE, Differences, differences
from handlers.domain.json_document import compact


def between(before: Any, after: Any) -> Differences:
    return differences(json.dumps(before).encode(), json.dumps(after).encode())


def shown(before: Any, after: Any) -> list[tuple[Any, ...]]:
    found = between(before, after)
    assert found.total == len(found.shown)
    return [(each.pointer, str(each.kind), each.before, each.after) for each in found.shown]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"a": 1}, {"a": 1.0}, []),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, []),
        (1, 2, [("", "changed", 1, 2)]),
        ({"a": True}, {"a": 1}, [("/a", "changed", True, 1)]),
        ({"a": False}, {"a": 0}, [("/a", "changed", False, 0)]),
        ({"a": None}, {}, [("/a", "removed", None, None)]),
        ({}, {"a": None}, [("/a", "added", None, None)]),
        ({"a": []}, {"a": {}}, [("/a", "changed", [], {})]),
        ({"a/b": {"m~n": 1}}, {"a/b": {"m~n": 2}}, [("/a~1b/m~0n", "changed", 1, 2)]),
        ({"": {"": 1}}, {"": {"": 2}}, [("//", "changed", 1, 2)]),
        ([1, 2, 3], [0, 1, 2, 3], [("/0", "added", None, 0)]),
        ([1, 2, 3], [2, 3, 4], [("/0", "removed", 1, None), ("/2", "added", None, 4)]),
        ([1, 2, 3], [1, 9, 3], [("/1", "changed", 2, 9)]),
        ([{"id": 1, "n": 1}, {"id": 2}], [{"id": 1, "n": 2}, {"id": 2}], [("/0/n", "changed", 1, 2)]),
        ([{"id": 1}, {"id": 2}, {"id": 3}], [{"id": 1}, {"id": 3}], [("/1", "removed", {"id": 2}, None)]),
        ([{"id": 1}], [{"id": 0}, {"id": 1.0}], [("/0", "added", None, {"id": 0})]),
        ([True, 1], [1, True], [("/0", "removed", True, None), ("/1", "added", None, True)]),
        (
            [0, 0, [], {"a": 1}],
            [[], {}],
            [("/0", "removed", 0, None), ("/1", "removed", 0, None), ("/3/a", "removed", 1, None)],
        ),
        (["[1]"], [[1]], [("/0", "changed", "[1]", [1])]),
        ([5, 5, 5], [5, 5], [("/2", "removed", 5, None)]),
        (
            {"x": 1, "y": 1, "z": 1},
            {"w": 1, "y": 2, "x": 1},
            [("/y", "changed", 1, 2), ("/z", "removed", 1, None), ("/w", "added", None, 1)],
        ),
    ],
)
def test_each_difference_has_its_place_and_both_values(before: Any, after: Any, expected: list[Any]) -> None:
    assert shown(before, after) == expected


def test_long_arrays_that_are_shifted_by_one_differ_at_their_ends_only() -> None:
    numbers = list(range(50_000))
    assert [each[:2] for each in shown(numbers, [*numbers[1:], -1])] == [("/0", "removed"), ("/49999", "added")]
    orders = [{"id": number} for number in range(5000)]
    assert shown(orders, [{"id": -1}, *orders]) == [("/0", "added", None, {"id": -1})]


def test_what_is_no_json_is_compared_as_a_text() -> None:
    found = differences(b'{"a":1,"a":2}', b'{"a":1,"a":3}')
    assert (found.total, found.shown[0][:4]) == (1, ("", "changed", '{"a":1,"a":2}', '{"a":1,"a":3}'))
    assert differences(b"\xff", b"\xff").total == 0
    assert differences(b"\xff", b"\xfe").total == 1
    assert differences(b'"\xff"', b'"x"').shown[0].before == '"�"'


def test_of_many_differences_the_first_are_shown_and_all_are_counted() -> None:
    found = between([1] * 5000, [2] * 5000)
    assert found.total == 5000
    assert [each.pointer for each in found.shown] == [f"/{number}" for number in range(MAX_SHOWN)]


def test_of_large_differences_as_many_are_shown_as_fit() -> None:
    found = between(["€" * 1900] * 500, ["₤" * 1900] * 500)
    assert found.total == 500
    size = len(compact(found.shown).encode())
    assert MAX_SHOWN_BYTES - 15_000 < size <= MAX_SHOWN_BYTES


def test_even_the_longest_pointer_fits() -> None:
    def nested(inner: Any) -> Any:
        for _ in range(99):
            inner = {"\U0001d54f" * 1024: inner}
        return inner

    assert len(between(nested("€" * 4000), nested("₤" * 4000)).shown) == 1


@pytest.mark.parametrize("value", ["x" * 5000, ["x"] * 5000, {"x": list(range(2000))}, 10**4299])
def test_a_long_value_is_shown_by_its_beginning(value: Any) -> None:
    (found,) = between({"a": value}, {"a": 1}).shown
    assert (len(found.before), found.before[-2:], found.after, found.shortened) == (MAX_VALUE + 2, " …", 1, 1)
    text = value if isinstance(value, str) else compact(value)
    assert text.startswith(found.before[:-2])


def test_of_two_long_texts_the_place_is_shown_where_they_part() -> None:
    same = "".join(map(str, range(2000)))
    (found,) = between(f"{same}one{same}", f"{same}two{same}").shown
    assert found.before.startswith("… ")
    assert found.before[102:105], found.after[102:105] == ("one", "two")
    assert found.shortened == 2
    (found,) = between(f"{same}", f"{same}two").shown
    assert found.after.endswith("two")


_SCALARS = st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from([0.0, 1.0, 0.5, "", "a", "[]", "1"])
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.sampled_from(["", "a", "~", "/"]), inner),
)


@given(_VALUES, _VALUES)
def test_there_is_no_difference_if_and_only_if_results_agree(before: Any, after: Any) -> None:
    one, other = (json.dumps(each).encode() for each in (before, after))
    first, second = (result_fingerprint(each, Ignored([])) for each in (one, other))
    assert (differences(one, other).total == 0) == (first == second)


@given(_VALUES, _VALUES)
def test_what_is_shown_can_be_looked_up_where_it_is_said_to_be(before: Any, after: Any) -> None:
    for each in between(before, after).shown:
        if each.kind != "added" and (each.kind == "removed" or not _goes_through_an_array(before, each.pointer)):
            assert _at(before, each.pointer) == each.before
        if each.kind != "removed":
            assert _at(after, each.pointer) == each.after


def _segments(pointer: str) -> list[str]:
    return [each.replace("~1", "/").replace("~0", "~") for each in pointer.split("/")[1:]]


def _at(value: Any, pointer: str) -> Any:
    for segment in _segments(pointer):
        value = value[int(segment)] if isinstance(value, list) else value[segment]
    return value


def _goes_through_an_array(value: Any, pointer: str) -> bool:
    for segment in _segments(pointer):
        if not isinstance(value, dict):
            return True
        value = value.get(segment)
    return False


@given(st.lists(st.integers(0, 6)), st.lists(st.integers(0, 6)))
def test_outside_of_the_gaps_two_arrays_are_the_same(before: list[int], after: list[int]) -> None:
    rest: tuple[list[int], list[int]] = ([], [])
    at = (0, 0)
    for start, end in [*gaps(before, after), ((len(before), len(after)), (0, 0))]:
        rest[0].extend(before[at[0] : start[0]])
        rest[1].extend(after[at[1] : start[1]])
        at = end
    assert rest[0] == rest[1]
