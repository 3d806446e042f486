"""What is redacted is gone from wherever it stood, and what is left is of the same form."""

import json
from typing import Any

import pytest
from fnrun.debugging.redaction import redact
from fnrun.errors import CommandError, UsageFault
from hypothesis import given
from hypothesis import strategies as st


def test_a_value_is_replaced_by_one_of_its_own_type() -> None:
    parameters = {
        "text": "secret",
        "int": 7,
        "float": 2.5,
        "flag": True,
        "none": None,
        "object": {"a": 1},
        "array": [1],
    }
    redacted = redact({"parameters": parameters}, [f"/{name}" for name in parameters])
    assert redacted.documents["parameters"] == {
        "text": "redacted-1",
        "int": 1,
        "float": 1.0,
        "flag": False,
        "none": None,
        "object": {},
        "array": [],
    }
    assert {name: type(each) for name, each in redacted.documents["parameters"].items()} == {
        name: type(each) for name, each in parameters.items()
    }
    assert redacted.places == dict.fromkeys((f"/{name}" for name in parameters), 1)
    assert parameters["text"] == "secret"


def test_any_key_and_any_index_and_escaped_names() -> None:
    parameters = {"items": [{"note": "first one"}, {"note": "second one"}, {}], "a/b": {"~": "tilde"}}
    redacted = redact({"parameters": parameters}, ["/items/*/note", "/a~1b/~0", "/items/0/note"])
    assert redacted.documents["parameters"] == {
        "items": [{"note": "redacted-1"}, {"note": "redacted-2"}, {}],
        "a/b": {"~": "redacted-3"},
    }
    assert redacted.places == {"/items/*/note": 2, "/a~1b/~0": 1, "/items/0/note": 1}


def test_equal_texts_become_equal_ones_in_the_result_too_and_within_others() -> None:
    documents = {
        "parameters": {"email": "ann@example.com", "copy": "ann@example.com", "id": "x"},
        "result": {"sent": ["to ann@example.com", "ann@example.comann@example.com"], "id": "x"},
    }
    redacted = redact(documents, ["/email"])
    assert redacted.documents == {
        "parameters": {"email": "redacted-1", "copy": "redacted-1", "id": "x"},
        "result": {"sent": ["to redacted-1", "redacted-1redacted-1"], "id": "x"},
    }
    assert redacted.others == ("parameters/copy", "result/sent/0", "result/sent/1")


def test_what_stood_within_a_redacted_object_is_looked_for_and_the_longer_text_first() -> None:
    documents = {"parameters": {"who": {"name": "Anna", "full": "Anna Bell"}, "note": "Anna Bell, Anna"}}
    assert redact(documents, ["/who"]).documents["parameters"] == {"who": {}, "note": "redacted-2, redacted-1"}


def test_a_pointer_above_another_redacts_all() -> None:
    documents = {"parameters": {"who": {"name": "Anna"}}}
    for pointers in (["/who", "/who/name"], ["/who/name", "/who"]):
        assert redact(documents, pointers).documents["parameters"] == {"who": {}}


def test_a_short_text_is_replaced_only_where_it_was_named() -> None:
    documents = {"parameters": {"a": "no", "b": "note", "c": "no"}}
    assert redact(documents, ["/a"]).documents["parameters"] == {"a": "redacted-1", "b": "note", "c": "no"}


@pytest.mark.parametrize("pointer", ["/nothing", "/items/7", "/email/x", "/items/*/x", "/items/-"])
def test_a_pointer_that_leads_to_nothing_is_refused(pointer: str) -> None:
    with pytest.raises(UsageFault, match="leads to nothing in the parameters or the result"):
        redact({"parameters": {"email": "a", "items": [1]}, "result": 1}, [pointer])


@pytest.mark.parametrize("pointer", ["", "email", "$.email", "/a~2", "/~"])
def test_what_is_no_pointer_is_refused(pointer: str) -> None:
    with pytest.raises(UsageFault, match="is not a JSON Pointer"):
        redact({"parameters": {"email": "a"}}, [pointer])


def test_a_redacted_text_that_is_a_name_too_is_refused_without_being_shown() -> None:
    with pytest.raises(CommandError) as refused:
        redact({"parameters": {"email": "ann@example.com", "by": {"ann@example.com": 1}}}, ["/email"])
    assert "ann" not in refused.value.message
    assert "parameters/by" in refused.value.message


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("abcd", min_size=4, max_size=6),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.sampled_from("xyz"), below, max_size=3),
    max_leaves=12,
)


@given(JSON, st.sampled_from(["/x", "/*", "/x/*", "/*/y", "/0"]))
def test_no_redacted_text_is_left_anywhere(parameters: Any, pointer: str) -> None:
    document = {"all": parameters, "secret": "abcd"}
    try:
        redacted = redact({"parameters": document}, [f"/all{pointer}", "/secret"])
    except UsageFault:
        return
    assert "abcd" not in json.dumps(redacted.documents)
