from collections.abc import Iterator

import pytest

from infra.local.demo.printer import WIDTH, Printer
from infra.local.demo.users import Answer, UnexpectedAnswerError


@pytest.fixture
def printer(capsys: pytest.CaptureFixture[str]) -> Iterator[Printer]:
    printer = Printer()
    yield printer
    assert max(map(len, capsys.readouterr().out.splitlines()), default=0) <= WIDTH


def test_an_answer_is_asked_by_path_and_says_what_it_lacks(printer: Printer) -> None:
    answer = Answer("GET /x", 200, {"id": "1", "result": {"total": 3}}, printer)
    assert answer.has(id="1")["result.total"] == 3
    with pytest.raises(UnexpectedAnswerError, match=r"GET /x should have given result\.tax"):
        answer.shows("result.tax")
    with pytest.raises(UnexpectedAnswerError, match="GET /x should have given '2' as id, but gave '1'"):
        answer.has(id="2")


def test_a_known_id_is_short_wherever_it_stands(printer: Printer, capsys: pytest.CaptureFixture[str]) -> None:
    long = "550e8400-e29b-41d4-a716-446655440000"
    printer.abbreviate(long, "run-550e8400")
    printer.request("alice", "POST", f"/function-runs/{long}/rerun", {"reason": f"as {long}"})
    printer.answer(400, {"message": f"Function not found for trigger: {long}"})
    assert capsys.readouterr().out.splitlines() == [
        "  alice  POST  /function-runs/run-550e8400/rerun",
        '               {"reason": "as run-550e8400"}',
        "         400   message  Function not found for trigger: run-550e8400",
    ]


def test_no_line_breaks_inside_a_word_or_between_a_name_and_its_value(
    printer: Printer, capsys: pytest.CaptureFixture[str]
) -> None:
    printer.request("alice", "POST", "/x", {"first": "a" * 40, "second": "b" * 10, "third": "c" * 40})
    lines = capsys.readouterr().out.splitlines()
    assert [line.strip()[:9] for line in lines[1:]] == ['{"first":', '"third": ']


def test_a_word_longer_than_the_line_stays_in_one_piece(capsys: pytest.CaptureFixture[str]) -> None:
    Printer().answer(200, {"token": "t" * 500})
    assert "t" * 500 in capsys.readouterr().out


def test_rows_stand_in_columns(printer: Printer, capsys: pytest.CaptureFixture[str]) -> None:
    printer.abbreviate("550e8400-e29b-41d4-a716-446655440000", "run-550e8400")
    printer.rows([["pinned", "550e8400-e29b-41d4-a716-446655440000", None], ["candidate", "", "completed"]], 200)
    assert capsys.readouterr().out.splitlines() == [
        "         200   pinned     run-550e8400",
        "               candidate                completed",
    ]
