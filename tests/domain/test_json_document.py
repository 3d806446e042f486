import json
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.domain.errors import InvalidRequest, TooLarge
from handlers.domain.json_document import (
    MAX_BYTES,
    MAX_DEPTH,
    MAX_DIGITS,
    compact,
    compact_any,
    depth,
    dump,
    is_unicode,
    parse,
    parse_object,
)

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=-(10**4000), max_value=10**4000)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    # Halves of surrogate pairs; two that meet are one character to any reader.
    | st.text(st.characters(categories=["Cs"]) | st.characters()).map(lambda text: json.loads(json.dumps(text)))
)
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=4), inner))


@given(values)
def test_what_was_accepted_is_handed_on_value_for_value(value: Any) -> None:
    # repr tells 1 from 1.0, True from 1 and -0.0 from 0.0, which == does not.
    assert repr(parse(dump(value, field="payload"))) == repr(value)


@given(values)
def test_a_second_reading_writes_the_same_bytes(value: Any) -> None:
    once = dump(value, field="payload")
    assert dump(parse(once), field="payload") == once


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('{"a":1,"a":1}', id="at-the-top"),
        pytest.param('{"b":{"a":1,"a":2}}', id="in-an-object"),
        pytest.param('[[{"c":[{"a":1,"b":2,"a":3}]}]]', id="in-arrays"),
        pytest.param('{"a":1,"\\u0061":2}', id="spelt-in-another-way"),
        pytest.param('{"a":{"a":1},"a":{}}', id="one-after-an-object"),
    ],
)
def test_a_key_that_stands_twice_in_one_object_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest, match="twice in one object") as refused:
        parse(text, field="payload")
    assert refused.value.field == "a"


def test_a_key_may_stand_in_two_objects() -> None:
    assert parse('{"a":{"a":1},"b":{"a":2}}') == {"a": {"a": 1}, "b": {"a": 2}}


def test_an_endless_key_that_stands_twice_is_not_quoted_in_full() -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse(f'{{"{"k" * 10_000}":1,"{"k" * 10_000}":2}}')
    assert len(refused.value.message) < 200


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "123456789e400"])
@pytest.mark.parametrize("document", ["{}", '{{"a":{}}}', "[1,{}]"])
def test_a_number_that_json_or_a_double_does_not_know_is_refused(number: str, document: str) -> None:
    with pytest.raises(InvalidRequest, match="number") as refused:
        parse(document.format(number), field="overrideParams")
    assert refused.value.field == "overrideParams"


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_such_a_number_is_not_written_either(number: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        dump({"a": number}, field="payload")


@pytest.mark.parametrize(
    "text",
    [
        r'"cut off \ud83d"',
        r'{"\udfff":1}',
        r'[{"a":["x\ud83d"]}]',
        r'"\ude00\ud83d"',
        r'"\ud83d\\ude00"',
        r'"\\\ud83d\\ud83d"',
        r'{"\ud83d":"\ud83d","\ud83dx":"é"}',
    ],
)
def test_half_a_surrogate_pair_is_kept_as_the_escape_that_it_is(text: str) -> None:
    value = parse(text)
    assert dump(value, field="payload") == text.encode()
    assert compact(value).encode() == compact_any(value).encode() == text.encode()
    assert not is_unicode(value)


def test_a_whole_text_has_no_half_of_a_pair() -> None:
    assert is_unicode({"😀": [r"\ud83d", "é"]})


def test_a_whole_surrogate_pair_is_a_character() -> None:
    assert dump(parse('"\\ud83d\\ude00"'), field="payload") == '"😀"'.encode()


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_a_document_may_be_a_hundred_levels_deep_and_no_deeper(opening: str) -> None:
    def document(levels: int) -> str:
        return opening * levels + "1" + ("]" if opening == "[" else "}") * levels

    assert depth(parse(document(MAX_DEPTH))) == MAX_DEPTH
    for too_many in (MAX_DEPTH + 1, 900, 100_000):
        with pytest.raises(InvalidRequest, match="is nested deeper than 100 levels"):
            parse(document(too_many))


@pytest.mark.parametrize("levels", [101, 150, 900, 100_000])
def test_content_is_measured_where_it_is_kept_and_not_with_what_stands_around_it(levels: int) -> None:
    body = '{"reason":[],"payload":' + '{"a":' * levels + "1" + "}" * levels + "}"
    if levels > sys.getrecursionlimit():
        with pytest.raises(InvalidRequest, match="is nested deeper than 100 levels") as refused:
            parse_object(body, max_depth=None)
        assert refused.value.field == "payload", "what Python cannot read is measured all the same"
        return
    payload = parse_object(body, max_depth=None)["payload"]
    with pytest.raises(InvalidRequest, match="payload: is nested deeper than 100 levels"):
        dump(payload, field="payload")
    assert dump(json.loads("[" * 100 + "]" * 100), field="payload")


@given(values)
def test_any_value_is_written_alike_by_the_writer_of_what_is_accepted(value: Any) -> None:
    assert compact_any(value) == compact(value)


def test_what_any_reader_has_read_is_written() -> None:
    deep: Any = "bottom"
    for _ in range(100_000):
        deep = [{"a": deep}]
    assert compact_any(deep) == '[{"a":' * 100_000 + '"bottom"' + "}]" * 100_000
    assert compact_any({"a": [float("inf"), float("-inf"), 1.0]}) == '{"a":[1e999,-1e999,1.0]}'
    with pytest.raises(ValueError, match="JSON"):
        compact_any([float("nan")])


@pytest.mark.parametrize(
    ("value", "levels"), [(1, 0), ("[[", 0), ({}, 1), ([], 1), ([[], {"a": [1]}], 3), ({"a": {"b": {}}, "c": 1}, 3)]
)
def test_depth_counts_what_stands_inside_each_other(value: Any, levels: int) -> None:
    assert depth(value) == levels


def test_a_number_of_thousands_of_digits_is_kept_to_the_last_of_them() -> None:
    digits = "7" * 4000
    assert dump(parse(f"[{digits}]"), field="payload") == f"[{digits}]".encode()


@pytest.mark.parametrize("sign", ["", "-"])
def test_a_number_of_more_digits_than_python_reads_is_refused_whatever_python_is_told(sign: str) -> None:
    limit = sys.get_int_max_str_digits()
    try:
        sys.set_int_max_str_digits(0)
        assert parse(sign + "9" * MAX_DIGITS)
        for digits in (MAX_DIGITS + 1, 5000):
            with pytest.raises(InvalidRequest, match="is not valid JSON"):
                parse(sign + "9" * digits)
    finally:
        sys.set_int_max_str_digits(limit)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "nul",
        "'a'",
        '{"a":1,}',
        "[1] [2]",
        "01",
        '"\t"',
        '{1:"a"}',
        "\ufeff{}",
        "// no\n{}",
        "0x1F",
        "1.",
        b'"\xff"',
    ],
)
def test_what_is_not_json_is_refused(text: str | bytes) -> None:
    with pytest.raises(InvalidRequest, match="body: is not valid JSON"):
        parse(text)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
def test_json_is_utf_8(encoding: str) -> None:
    with pytest.raises(InvalidRequest, match="body: is not valid JSON"):
        parse('{"a":1}'.encode(encoding))


@pytest.mark.parametrize("text", ["", " \n\t", b"", b"  "])
def test_an_empty_text_is_an_empty_object(text: str | bytes) -> None:
    assert parse_object(text) == {}


@pytest.mark.parametrize("text", ["null", "[]", "1", '"{}"', "true"])
def test_a_body_must_be_an_object(text: str) -> None:
    with pytest.raises(InvalidRequest, match="event: must be a JSON object"):
        parse_object(text, field="event")


def test_a_refusal_can_always_be_answered() -> None:
    with pytest.raises(InvalidRequest, match="twice in one object") as refused:
        parse('{"\\ud800":1,"\\ud800":2}')
    # Half a surrogate pair cannot be encoded: the answer would die in the Lambda runtime, as a 500.
    assert refused.value.field.encode()
    assert refused.value.message.encode()


def test_the_refusal_never_quotes_a_value() -> None:
    for text in ['{"card":"4111-1111"', '{"card":"4111-1111","card":"4111-1111"}', '["4111-1111",NaN]']:
        with pytest.raises(InvalidRequest) as refused:
            parse(text)
        assert "4111" not in refused.value.message
        assert refused.value.__cause__ is None


def test_a_text_is_counted_in_bytes_and_may_reach_the_limit() -> None:
    fits = "é" * ((MAX_BYTES - 2) // 2)
    assert len(dump(fits, field="payload")) == MAX_BYTES
    with pytest.raises(TooLarge, match=f"payload: is {MAX_BYTES + 1} bytes as JSON; {MAX_BYTES} is the most"):
        dump(fits + "e", field="payload")


def test_a_text_is_compact_and_keeps_the_order_of_its_keys() -> None:
    assert dump({"b": [1, 2.0, None], "": {"é": True}}, field="payload") == '{"b":[1,2.0,null],"":{"é":true}}'.encode()
