from collections.abc import Iterator

import pytest

from infra.local.demo.printer import WIDTH, Printer
from infra.local.demo.users import Answer, UnexpectedAnswerError


@pytest.fixture
def printer(capsys: pytest.CaptureFixture[str]) -> Iterator[Printer]:
    printer = Printer()
    yield printer
    assert max(map(len, capsys.readouterr().out.splitlines()), default=0) <= WIDTH


def test_an_answer_is_asked_by_path_and_says_what_it_lacks() -> None:
    answer = Answer("GET /x", {"id": "1", "result": {"total": 3}})
    assert answer.has(id="1")["result.total"] == 3
    with pytest.raises(UnexpectedAnswerError, match=r"GET /x should have given result\.tax"):
        answer["result.tax"]
    with pytest.raises(UnexpectedAnswerError, match="GET /x should have given '2' as id, but gave '1'"):
        answer.has(id="2")


LONG = "550e8400-e29b-41d4-a716-446655440000"


def test_a_known_id_is_short_wherever_it_stands(printer: Printer, capsys: pytest.CaptureFixture[str]) -> None:
    printer.abbreviate(LONG, "550e8400")
    printer.command("alice", "fnrun", ["rerun", LONG, "--reason", f"as {LONG}"])
    printer.output(f"{LONG}  re-run of {LONG}\n")
    printer.answer(400, {"message": f"Function not found for trigger: {LONG}"})
    assert capsys.readouterr().out.splitlines() == [
        "alice $ fnrun rerun 550e8400 --reason 'as 550e8400'",
        "    550e8400  re-run of 550e8400",
        "    400   message  Function not found for trigger: 550e8400",
    ]


def test_a_command_that_is_too_long_goes_on_after_a_backslash_but_not_inside_quotes(
    printer: Printer, capsys: pytest.CaptureFixture[str]
) -> None:
    printer.command("alice", "fnrun", ["execute", "orders", "--payload", f'{{"first": "{"a " * 30}"}}', "--wait"])
    assert capsys.readouterr().out.splitlines() == [
        "alice $ fnrun execute orders --payload \\",
        f"""              '{{"first": "{"a " * 30}"}}' --wait""",
    ]


def test_the_columns_of_a_table_are_as_wide_as_what_is_shown(
    printer: Printer, capsys: pytest.CaptureFixture[str]
) -> None:
    printer.abbreviate(LONG, "550e8400")
    printer.output(f"of run  {LONG}\n\nSIDE    RUN{' ' * 35}STATUS\npinned  {LONG}  failure\n\nverdict: code\n\n")
    assert capsys.readouterr().out.splitlines() == [
        "    of run  550e8400",
        "",
        "    SIDE    RUN       STATUS",
        "    pinned  550e8400  failure",
        "",
        "    verdict: code",
    ]


def test_what_is_too_long_breaks_between_words_and_no_word_breaks(
    printer: Printer, capsys: pytest.CaptureFixture[str]
) -> None:
    printer.output(f"  {'word ' * 30}\n")
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("      word word")
    assert second.startswith(" " * 14 + "word")


def test_a_word_longer_than_the_line_stays_in_one_piece(capsys: pytest.CaptureFixture[str]) -> None:
    Printer().answer(200, {"token": "t" * 500})
    assert "t" * 500 in capsys.readouterr().out
