"""JSON taken apart as text: by the grammar that Python's own reader knows, and no deeper than it has to."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.domain.json_text import JsonText, NotJson

TOKENS = [
    *"{}[],:",
    '"a"',
    r'"\u00e9"',
    r'"\u00"',
    r'"\x"',
    '"',
    "\\",
    "1",
    "-",
    "0",
    "01",
    "1.5",
    "1.",
    "1e5",
    "e5",
    "-0",
]
TOKENS += ["true", "false", "null", "nul", " ", "\n", "\u00a0", '"\t"', "NaN", "Infinity", r'"\ud83d"', r'"\\"', "1E+2"]
documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=3), inner),
)


def _refuse(name: str) -> Any:
    raise ValueError(name)


def is_json(text: str) -> bool:
    try:
        json.loads(text, parse_constant=_refuse)
    except ValueError:
        return False
    return True


@given(st.lists(st.sampled_from(TOKENS), max_size=9).map("".join))
def test_what_is_json_is_what_python_reads(text: str) -> None:
    if not is_json(text):
        with pytest.raises(NotJson):
            JsonText.read(text)
        return
    value = json.loads(text)
    found = JsonText.read(text)
    assert json.loads(found.text) == value
    members = {name: json.loads(member.text) for name, member in found.members().items()}
    assert members == (value if isinstance(value, dict) else {})


@given(documents, st.sampled_from([None, 1, "\t"]))
def test_each_member_is_the_text_that_stands_there(document: Any, indent: Any) -> None:
    text = json.dumps({"before": [1], "it": document, "after": {}}, indent=indent)
    it = JsonText.read(text.encode()).members()["it"]
    assert it.text in text
    assert json.loads(it.text) == document
    assert it.as_string() == (document if isinstance(document, str) else None)


def test_nothing_of_a_member_is_read_and_written_anew() -> None:
    it = '[1.0, 12345678901234567.89,\t1e400 ,{"b":1,"a":2,"a":3}, "\\ud83d\\u00e9é"]'
    assert JsonText.read(f' {{"it" :\n{it} }}\n').members()["it"].text == it


def test_of_equal_names_the_last_counts_as_everywhere_in_python() -> None:
    members = JsonText.read(r'{"a":1,"b":2,"\u0061":[3]}').members()
    assert {name: member.text for name, member in members.items()} == {"a": "[3]", "b": "2"}


@pytest.mark.parametrize(
    ("text", "depth"), [("1", 0), ('"[["', 0), ("{}", 1), ("[[],{}]", 2), ('{"a":[{"b":1}],"c":[]}', 3)]
)
def test_depth_counts_what_stands_inside_each_other(text: str, depth: int) -> None:
    assert JsonText.read(text).depth == depth


@pytest.mark.parametrize("levels", [1_500, 200_000])
def test_no_document_is_too_deep(levels: int) -> None:
    deep = '[{"a":' * (levels // 2) + "1" + "}]" * (levels // 2)
    found = JsonText.read(f'{{"deep":{deep},"after":"it"}}')
    assert found.depth == levels + 1
    members = found.members()
    assert members["deep"].text == deep
    assert members["after"].as_string() == "it"


@pytest.mark.parametrize(
    "junk", [b"\xff", b"", b"{", "{}".encode("utf-16"), b"[" * 100_000, b'{"a":1}}', b"\xef\xbb\xbf{}"]
)
def test_of_junk_nothing_is_told(junk: bytes) -> None:
    with pytest.raises(NotJson) as refused:
        JsonText.read(junk)
    assert str(refused.value) == ""
    assert refused.value.__cause__ is None
