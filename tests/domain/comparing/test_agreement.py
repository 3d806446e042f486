"""Which results agree, under pointers to what is not compared, and which errors."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.domain.comparing.agreement import Ignored, error_fingerprint, result_fingerprint


def agree(one: bytes | str, other: bytes | str, *ignored: str) -> bool:
    first, second = (each.encode() if isinstance(each, str) else each for each in (one, other))
    return result_fingerprint(first, Ignored(ignored)) == result_fingerprint(second, Ignored(ignored))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"a": 1, "b": 2}', '{"b":2,"a":1}'),
        ("1", "1.0"),
        ("[10]", "[1e1]"),
        ("[100]", "[1.0E2]"),
        ("-0.0", "0"),
        ('{"a": 1e300}', '{"a": 1.0e300}'),
        ("0.1", "0.10"),
        ('"\\u00e9"', '"é"'),
        ('"\\ud800"', '"\\ud800"'),
        (b"\xff", b"\xff"),
        ("NaN", "NaN"),
    ],
)
def test_results_of_one_value_agree(one: str, other: str) -> None:
    assert agree(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("true", "1"),
        ("false", "0"),
        ("[true]", "[1]"),
        ("null", "0"),
        ('""', "null"),
        ("1", '"1"'),
        ("[1, 2]", "[2, 1]"),
        ("{}", "[]"),
        ('{"a": null}', "{}"),
        ("9007199254740993", "9007199254740992.0"),
        ("1e300", "1" + "0" * 300),
        ('"\\ud800"', '"\\\\ud800"'),
        # Texts that are no JSON to this service agree byte by byte only.
        ("NaN", " NaN"),
        ('{"a":1,"a":1}', '{"a": 1,"a":1}'),
        (b"\xff", b"\xfe"),
        ("", "null"),
        ("", '""'),
    ],
)
def test_results_of_two_values_do_not(one: str, other: str) -> None:
    assert not agree(one, other)


@pytest.mark.parametrize(
    ("pointer", "one", "other"),
    [
        ("/at", {"at": 1, "n": 1}, {"at": 2, "n": 1}),
        ("/at", {"at": 1, "n": 1}, {"n": 1}),
        ("/items/*/id", {"items": [{"id": 1, "n": 1}, {"id": 2}]}, {"items": [{"id": 3, "n": 1}, {}]}),
        ("/*/id", {"a": {"id": 1}, "b": 2}, {"a": {"id": 2}, "b": 2}),
        ("/*", [1, 2], [3]),
        ("/1", [1, 2, 3], [1, 9, 3]),
        ("/2", [1, 2, 3], [1, 2]),
        ("/a~1b", {"a/b": 1}, {"a/b": 2}),
        ("/m~0n", {"m~n": 1}, {"m~n": 2}),
        ("/~01", {"~1": 1}, {"~1": 2}),
        ("/", {"": 1}, {"": 2}),
        ("/a//b", {"a": {"": {"b": 1}}}, {"a": {"": {"b": 2}}}),
        ("/x/*/*", {"x": {"a": [1], "b": [2, 3]}}, {"x": {"a": [9], "b": []}}),
    ],
)
def test_what_is_ignored_may_differ(pointer: str, one: Any, other: Any) -> None:
    assert not agree(json.dumps(one), json.dumps(other))
    assert agree(json.dumps(one), json.dumps(other), pointer)
    assert agree(json.dumps(other), json.dumps(one), pointer, "/nowhere/*/at/all")


@pytest.mark.parametrize(
    ("pointer", "one", "other"),
    [
        ("/at", {"at": 1, "n": 1}, {"at": 1, "n": 2}),
        ("/items/*/id", {"items": [{"id": 1}]}, {"items": [{"id": 1}, {"id": 2}]}),
        ("/items/0", {"items": [1, 2]}, {"items": [2, 1]}),
        ("/items/00", {"items": [1]}, {"items": [2]}),
        ("/items/-", {"items": [1]}, {"items": [2]}),
        ("/items/*", {"items": []}, {"items": {}}),
        ("/items/0", {"items": [1, 2]}, {"items": {"1": 2}}),
        ("/items/0", {"items": [1, 2]}, {"items": [1, [1, 2]]}),
        ("/a/b", {"a": 1}, {"a": 2}),
        ("/AT", {"at": 1}, {"at": 2}),
    ],
)
def test_what_is_not_ignored_may_not(pointer: str, one: Any, other: Any) -> None:
    assert not agree(json.dumps(one), json.dumps(other), pointer)


def test_of_a_text_nothing_is_ignored() -> None:
    assert not agree('{"a":1,"a":2}', '{"a":1,"a":3}', "/a")


def test_pointers_that_share_their_beginning_count_each_for_itself() -> None:
    one, other = {"a": {"b": 1, "c": 2, "d": 3}}, {"a": {"b": 9, "c": 9, "d": 3}}
    assert agree(json.dumps(one), json.dumps(other), "/a/b", "/*/c")
    assert not agree(json.dumps(one), json.dumps(other), "/a/b", "/x/c")


_SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
_KEYS = st.sampled_from(["", "a", "b", "0", "1", "*", "~", "/", "~1"])
_VALUES = st.recursive(_SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3))
_POINTERS = st.lists(
    st.lists(_KEYS, min_size=1, max_size=3).map(
        lambda path: "".join("/" + each.replace("~", "~0").replace("/", "~1") for each in path)
    ),
    max_size=3,
)


def naively_agree(one: Any, other: Any, ignored: list[str], at: tuple[str, ...] = ()) -> bool:
    """As the rule reads, without a fingerprint."""
    if type(one) in (dict, list) and type(one) is type(other):
        members = [
            dict(each) if isinstance(each, dict) else {str(index): value for index, value in enumerate(each)}
            for each in (one, other)
        ]
        first, second = ({k: v for k, v in each.items() if not _is_ignored((*at, k), ignored)} for each in members)
        return first.keys() == second.keys() and all(
            naively_agree(first[key], second[key], ignored, (*at, key)) for key in first
        )
    if type(one) in (dict, list) or type(other) in (dict, list):
        return False
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def _is_ignored(at: tuple[str, ...], ignored: list[str]) -> bool:
    paths = [[each.replace("~1", "/").replace("~0", "~") for each in pointer.split("/")[1:]] for pointer in ignored]
    return any(
        len(path) == len(at) and all(segment in ("*", name) for segment, name in zip(path, at, strict=True))
        for path in paths
    )


@given(_VALUES, _VALUES, _POINTERS)
def test_agreement_is_as_the_rule_reads(one: Any, other: Any, pointers: list[str]) -> None:
    assert agree(json.dumps(one), json.dumps(other), *pointers) == naively_agree(one, other, pointers)
    assert agree(json.dumps(one), json.dumps(one, indent=1), *pointers)


def test_errors_agree_by_type_and_functions_never_by_message() -> None:
    def error(message: str, function: str, line: int = 3) -> bytes:
        trace = [f'  File "/var/task/app.py", line {line}, in {function}\n']
        return json.dumps({"errorType": "Declined", "errorMessage": message, "stackTrace": trace}).encode()

    declined = error_fingerprint("Declined", error("of 4711", "charge"))
    assert declined == error_fingerprint("Declined", error("of 4712", "charge", line=4))
    assert declined != error_fingerprint("Declined", error("of 4711", "refund"))
    assert declined != error_fingerprint("Refused", error("of 4711", "charge"))
    assert error_fingerprint("Declined", b"junk") == error_fingerprint("Declined", None)
