"""--set and --params: what is typed becomes the object that is meant, or one clear sentence."""

import io
import sys
from pathlib import Path

import pytest
from fnrun.errors import UsageFault
from fnrun.inputs.json_values import read_object
from fnrun.inputs.overrides import read_overrides


@pytest.mark.parametrize(
    ("settings", "made"),
    [
        (["a=1"], {"a": 1}),
        (["a.b=1", "a.c=2"], {"a": {"b": 1, "c": 2}}),
        ([r"a\.b=1"], {"a.b": 1}),
        ([r"a\\.b=1"], {"a\\": {"b": 1}}),
        ([r"a\=b=c=d"], {"a=b": "c=d"}),
        (["a=text"], {"a": "text"}),
        (["a="], {"a": ""}),
        (['a="1"'], {"a": "1"}),
        (["a=null"], {"a": None}),
        (["a=01"], {"a": "01"}),
        (['a="NaN"'], {"a": "NaN"}),
        (["a=Nancy"], {"a": "Nancy"}),
        ([r"\/etc=1"], {"/etc": 1}),
        (["a=123456789012345678901234567890"], {"a": 123456789012345678901234567890}),
        ([r'a="cut \ud83d"'], {"a": "cut \ud83d"}),
        (["items=[1,{}]"], {"items": [1, {}]}),
        ([r"items\[0]=x"], {"items[0]": "x"}),
        (["ключ.é=1"], {"ключ": {"é": 1}}),
    ],
)
def test_a_setting_is_json_where_it_parses_and_text_elsewhere(settings: list[str], made: dict[str, object]) -> None:
    assert read_overrides(settings, {}) == made


def test_settings_are_put_into_the_params_which_stay_as_they_are() -> None:
    base = {"a": {"b": 1}, "c": [1]}
    assert read_overrides(["a.d=2"], base) == {"a": {"b": 1, "d": 2}, "c": [1]}
    assert base == {"a": {"b": 1}, "c": [1]}


@pytest.mark.parametrize(
    ("settings", "base", "said"),
    [
        (["a"], {}, "--set has no ="),
        (["=1"], {}, "--set has an empty key"),
        (["a..b=1"], {}, "--set has an empty key"),
        (["items[0]=1"], {}, "an array is replaced as a whole"),
        (["a.items[0].b=1"], {}, "an array is replaced as a whole"),
        (["a=1", "a=2"], {}, "--set a and --set a are about the same"),
        (["a=1", "a.b=2"], {}, "--set a.b and --set a are about the same"),
        (["a.b=2", "a={}"], {}, "--set a and --set a.b are about the same"),
        (["a=1"], {"a": 2}, "--set a would replace a, which is given already"),
        (["a=1"], {"a": {"b": 2}}, "--set a would replace a,"),
        (["a.b.c=1"], {"a": {"b": 2}}, "--set a.b.c would replace a.b,"),
        (["/items/0/price=2"], {}, "--set /items/0/price= is a JSON Pointer"),
        (["a=NaN"], {}, "--set a has NaN, which is no number of JSON"),
        (["a=[1, -Infinity]"], {}, "--set a has -Infinity, which is no number of JSON"),
        (["a=[1,"], {}, "--set a is not JSON: line 1, column 4"),
        (['a={"b": x}'], {}, "--set a is not JSON: line 1, column 7"),
        (['a="cut'], {}, "--set a is not JSON: line 1, column 1"),
        (["a=1e999"], {}, "--set a has a number that is too large"),
        (['a={"b":1,"b":2}'], {}, "--set a has two equal keys"),
        (["a=" + "9" * 5000], {}, "--set a has an integer of more digits"),
        (["a=" + "[" * 100_000], {}, "--set a is nested too deeply"),
    ],
)
def test_what_cannot_be_meant_is_said_without_the_value(
    settings: list[str], base: dict[str, object], said: str
) -> None:
    with pytest.raises(UsageFault) as refused:
        read_overrides(settings, base)
    assert said in refused.value.message
    assert refused.value.next_step
    assert "999" not in refused.value.message


def test_an_object_is_typed_or_in_a_file_or_on_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "params.json"
    file.write_text('\ufeff{"a": "é"}', encoding="utf-8")
    assert read_object(str(file), option="--params") == read_object(f"@{file}", option="--params") == {"a": "é"}
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b'{"b": 1}')))
    assert read_object("-", option="--params") == {"b": 1}
    assert read_object(None, option="--params") == {}
    assert read_object(' {"c": 1}', option="--params") == {"c": 1}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"[1]", "is not a JSON object"),
        (b'{"secret": ', "is not JSON: line 1, column 12"),
        (b"\xff", "is not UTF-8"),
        (None, "cannot be read: No such file or directory"),
    ],
)
def test_a_file_that_is_no_object_is_said_with_its_name(tmp_path: Path, content: bytes | None, said: str) -> None:
    file = tmp_path / "params.json"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UsageFault, match=r"params\.json") as refused:
        read_object(f"@{file}", option="--params")
    assert said in refused.value.message
    assert "secret" not in refused.value.message


@pytest.mark.parametrize("typed", ["no/such/file", "s3cret", "s3cret" * 1000, '"s3cret"', "[1]", ""])
def test_what_is_neither_an_object_nor_a_file_is_not_quoted(typed: str) -> None:
    with pytest.raises(UsageFault) as refused:
        read_object(typed, option="--payload")
    assert refused.value.message.startswith("--payload is n")
    assert "s3cret" not in refused.value.message
    assert refused.value.next_step
