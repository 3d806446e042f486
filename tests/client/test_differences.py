"""How differences are shown: one line each, safe for a terminal, short enough to be read."""

import io
from typing import Any

import pytest
from fnrun.output.differences import print_cut, print_differences
from rich.console import Console


def shown(*differences: dict[str, Any], colour: bool = False) -> list[str]:
    written = io.StringIO()
    console = Console(file=written, highlight=False, color_system="standard" if colour else None, width=1000)
    print_differences(differences, console=console)
    return written.getvalue().splitlines()


def test_each_kind_has_its_marker_and_values_stand_below_each_other() -> None:
    assert shown(
        {"pointer": "/total", "kind": "changed", "before": 20, "after": 30.5, "shortened": 0},
        {"pointer": "/items/3", "kind": "added", "before": None, "after": {"price": None}, "shortened": 0},
        {"pointer": "/note", "kind": "removed", "before": "it's", "after": None, "shortened": 0},
    ) == [
        "  ~ /total    20 → 30.5",
        '  + /items/3  {"price": null}',
        '  - /note     "it\'s"',
    ]


def test_what_a_plan_sets_needs_no_kind_and_may_lack_its_value() -> None:
    assert shown({"pointer": "/a", "value": False}, {"pointer": "/b"}) == ["  = /a  false", "  = /b  (not shown)"]
    assert shown({"pointer": "/a", "kind": "changed", "after": 1}) == ["  ~ /a  (not shown) → 1"]


def test_the_whole_document_and_a_kind_of_a_newer_service_are_shown() -> None:
    assert shown({"pointer": "", "kind": "changed", "before": None, "after": []}) == ["  ~ (all of it)  null → []"]
    assert shown({"pointer": "/a", "kind": "moved"}) == ["  ? /a  (not shown)"]


def test_of_two_long_values_the_place_where_they_part_is_shown() -> None:
    (line,) = shown({"pointer": "/a", "kind": "changed", "before": "x" * 500 + "1", "after": "x" * 500 + "2" * 500})
    before, after = line.removeprefix("  ~ /a  ").split(" → ")
    assert before == f'…{"x" * 20}1"'
    assert after == f"…{'x' * 20}{'2' * 80}…"


def test_keys_and_values_do_not_drive_the_terminal() -> None:
    (line,) = shown({"pointer": "/\x1b[2J[bold]", "kind": "added", "after": "\x1b[31m\u202e\ud800\n[red]"})
    assert line == '  + /\\u001b[2J[bold]  "\\u001b[31m\\u202e\\ud800\\n[red]"'


def test_on_a_terminal_what_was_is_red_and_what_is_green() -> None:
    (line,) = shown({"pointer": "/a", "kind": "changed", "before": 1, "after": 2}, colour=True)
    assert "\x1b[31m1\x1b[0m" in line
    assert "\x1b[32m2\x1b[0m" in line


def test_what_the_service_has_cut_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    print_cut({"differences": 1234, "values": 2})
    print_cut({"differences": 0, "values": 0})
    print_cut(None)
    said = "  … 1,234 more differences are not shown; 2 values are too long to be shown whole\n"
    assert capsys.readouterr().out == said
