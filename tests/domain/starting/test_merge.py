import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.domain.json_document import merge

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3)
# Few keys, so that two objects often share some.
keys = st.sampled_from(["", "a", "b", "c", "é"])
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4), max_leaves=12
)
objects = st.dictionaries(keys, values, max_size=4)
leaves = scalars | st.lists(scalars, max_size=3)
# Objects of one shape: a key that holds an object holds one everywhere.
alike = st.fixed_dictionaries(
    {},
    optional={
        "a": leaves,
        "b": leaves,
        "in": st.fixed_dictionaries({}, optional={"c": leaves, "in": st.dictionaries(keys, leaves, max_size=3)}),
    },
)


@given(objects)
def test_an_empty_override_changes_nothing(base: dict[str, Any]) -> None:
    assert merge(base, {}) == base


@given(objects)
def test_parameters_without_anything_become_the_override(override: dict[str, Any]) -> None:
    assert merge({}, override) == override


@given(objects, objects)
def test_the_same_override_twice_is_the_override_once(base: dict[str, Any], override: dict[str, Any]) -> None:
    once = merge(base, override)
    assert merge(once, override) == once


@given(alike, alike, alike)
def test_overrides_of_one_shape_may_be_merged_among_themselves_first(
    base: dict[str, Any], first: dict[str, Any], second: dict[str, Any]
) -> None:
    assert merge(merge(base, first), second) == merge(base, merge(first, second))


def test_a_scalar_between_two_objects_forgets_what_the_first_object_held() -> None:
    # Why a chain of re-runs merges step by step, and never its overrides first.
    base, first, second = {"k": {"old": 1}}, {"k": 0}, {"k": {"new": 2}}
    assert merge(merge(base, first), second) == {"k": {"new": 2}}
    assert merge(base, merge(first, second)) == {"k": {"old": 1, "new": 2}}


@given(values, values)
def test_neither_side_is_changed(base: Any, override: Any) -> None:
    before = copy.deepcopy((base, override))
    merge(base, override)
    assert (base, override) == before


@given(objects, objects)
def test_every_key_of_both_sides_is_there_the_parameters_first(base: dict[str, Any], override: dict[str, Any]) -> None:
    assert list(merge(base, override)) == [*base, *(key for key in override if key not in base)]


@given(objects, st.dictionaries(keys, leaves, max_size=4))
def test_null_arrays_and_scalars_replace_whatever_was_there(base: dict[str, Any], override: dict[str, Any]) -> None:
    assert merge(base, override) == {**base, **override}


@given(values, leaves)
def test_an_override_that_is_no_object_replaces_all(base: Any, override: Any) -> None:
    assert merge(base, override) == override


@given(leaves, objects)
def test_parameters_that_are_no_object_are_replaced(base: Any, override: dict[str, Any]) -> None:
    assert merge(base, override) == override


@pytest.mark.parametrize(
    ("base", "override", "merged"),
    [
        pytest.param({"a": {"x": 1, "y": 2}}, {"a": {"y": 3}}, {"a": {"x": 1, "y": 3}}, id="objects-merge"),
        pytest.param({"a": [1, 2, 3]}, {"a": [4]}, {"a": [4]}, id="arrays-replace"),
        pytest.param({"a": [{"x": 1}]}, {"a": [{"y": 2}]}, {"a": [{"y": 2}]}, id="objects-in-arrays-do-not-merge"),
        pytest.param({"a": {"x": 1}}, {"a": None}, {"a": None}, id="null-replaces-and-does-not-delete"),
        pytest.param({"a": 1}, {"a": {"x": 1}}, {"a": {"x": 1}}, id="an-object-replaces-a-scalar"),
        pytest.param({"a": None}, {"a": {"x": 1}}, {"a": {"x": 1}}, id="an-object-replaces-null"),
        pytest.param({"a": {"x": 1}}, {"a": {}}, {"a": {"x": 1}}, id="an-empty-object-merges-too"),
        pytest.param({"a": 1}, {"a": True}, {"a": True}, id="true-is-not-one"),
        pytest.param({"": 1}, {"": 2, "b": 3}, {"": 2, "b": 3}, id="an-empty-key-is-a-key"),
        pytest.param({"a.b": 1}, {"a": {"b": 2}}, {"a.b": 1, "a": {"b": 2}}, id="a-dot-is-no-path"),
    ],
)
def test_the_merge_rule(base: Any, override: Any, merged: Any) -> None:
    assert repr(merge(base, override)) == repr(merged)


def test_objects_merge_to_any_depth_that_a_document_may_have() -> None:
    base: dict[str, Any] = {"kept": 0}
    override: dict[str, Any] = {"new": 1}
    for _ in range(99):
        base, override = {"in": base, "kept": 0}, {"in": override}
    merged = merge(base, override)
    for _ in range(99):
        assert merged["kept"] == 0
        merged = merged["in"]
    assert merged == {"kept": 0, "new": 1}
