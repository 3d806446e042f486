"""What overrides change, as JSON Pointers."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.domain.json_document import compact, merge
from handlers.domain.starting.parameter_changes import (
    MAX_CHANGES,
    MAX_LENGTH,
    MAX_VALUE_LENGTH,
    changes_of,
    settings_of,
)

SCALARS = st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from(["", "a", 1.0])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["a", "b", "a/b", "~"]), inner),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.sampled_from(["a", "b", "a/b", "~"]), VALUES, max_size=3)


def changes(parameters: Any, overrides: dict[str, Any]) -> list[tuple[str, str, Any]]:
    return [(each.pointer, each.kind, each.values) for each in changes_of(parameters, overrides).found]


@pytest.mark.parametrize(
    ("parameters", "overrides", "expected"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": 2}, [("/a", "changed", {"before": 1, "after": 2})]),
        ({"a": 1}, {"b": 2}, [("/b", "added", {"after": 2})]),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 3}}, [("/a/b", "changed", {"before": 1, "after": 3})]),
        ({"a": {"b": 1}}, {"a": None}, [("/a", "changed", {"before": {"b": 1}, "after": None})]),
        ({"a": None}, {"a": None}, []),
        ({"a": [1, 2]}, {"a": [1]}, [("/a", "changed", {"before": [1, 2], "after": [1]})]),
        ({"a": {"b": 1, "c": 2}}, {"a": {"c": 2, "b": 1}}, []),
        ({"a": 1}, {"a": True}, [("/a", "changed", {"before": 1, "after": True})]),
        ({"a": 1}, {"a": 1.0}, [("/a", "changed", {"before": 1, "after": 1.0})]),
        ({"a": {}}, {"a": {}}, []),
        ({"a": 1}, {"a": {}}, [("/a", "changed", {"before": 1, "after": {}})]),
        ({}, {"a/b": {"~": 1}}, [("/a~1b", "added", {"after": {"~": 1}})]),
        ({"a/b": {"~": 0}}, {"a/b": {"~": 1}}, [("/a~1b/~0", "changed", {"before": 0, "after": 1})]),
        ([1], {"a": 1}, [("", "changed", {"before": [1], "after": {"a": 1}})]),
    ],
    ids=str,
)
def test_each_place_that_differs_is_named_once(
    parameters: Any, overrides: dict[str, Any], expected: list[tuple[str, str, Any]]
) -> None:
    assert changes(parameters, overrides) == expected


def written(document: Any, pointer: str, value: Any) -> Any:
    """The document with the value at that place."""
    if not pointer:
        return value
    head, _, rest = pointer[1:].partition("/")
    key = head.replace("~1", "/").replace("~0", "~")
    return document | {key: written(document.get(key), f"/{rest}" if rest else "", value)}


@given(VALUES, OBJECTS)
def test_to_make_the_changes_is_to_merge(parameters: Any, overrides: dict[str, Any]) -> None:
    result = parameters
    for pointer, _, values in changes(parameters, overrides):
        result = written(result, pointer, values["after"])
    if changes(parameters, overrides) or isinstance(parameters, dict):
        assert compact(result, sort_keys=True) == compact(merge(parameters, overrides), sort_keys=True)


@given(OBJECTS)
def test_what_is_set_is_told_by_the_overrides_alone(overrides: dict[str, Any]) -> None:
    found = settings_of(overrides).found
    assert {each.kind for each in found} <= {"set"}
    result: Any = {}
    for each in found:
        result = merge(result, written_anew(each.pointer, each.values["value"]))
    assert compact(result, sort_keys=True) == compact(overrides, sort_keys=True)


def written_anew(pointer: str, value: Any) -> Any:
    for key in reversed(pointer.split("/")[1:]):
        value = {key.replace("~1", "/").replace("~0", "~"): value}
    return value


def test_a_value_that_is_too_long_is_left_out_and_so_said() -> None:
    found = changes_of({"a": "x" * MAX_VALUE_LENGTH, "b": 1}, {"a": 1, "b": 2})
    assert [each.values for each in found.found] == [{"after": 1}, {"before": 1, "after": 2}]
    assert found.is_cut


def test_there_are_only_so_many_changes() -> None:
    found = settings_of({f"k{number}": number for number in range(MAX_CHANGES + 1)})
    assert (len(found.found), found.is_cut) == (MAX_CHANGES, True)
    assert not settings_of({f"k{number}": number for number in range(MAX_CHANGES)}).is_cut


def test_all_changes_together_are_only_so_long() -> None:
    found = settings_of({f"k{number}": "x" * (MAX_VALUE_LENGTH - 2) for number in range(MAX_CHANGES)})
    assert len(found.found) < MAX_LENGTH // MAX_VALUE_LENGTH + 1
    assert found.is_cut
