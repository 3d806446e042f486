from tests.docs.console import Session, Step, steps

BLOCK = """\
$ fnrun execute orders \\
    --wait  # it fails
started 0a1b2c3d
…
failure  2026-11-26 12:50:09  38 ms

$ fnrun runs show 0a1b2c3d
"""
PRINTED = """\
started 99999999-e29b-41d4-a716-446655440000
something else
failure   2031-01-01 00:00:00   2.4 s
"""


def test_a_session_has_commands_and_what_they_print() -> None:
    first, second = steps(BLOCK)
    assert first.command.split() == ["fnrun", "execute", "orders", "--wait"]
    assert first.shown == ["started 0a1b2c3d", "…", "failure  2026-11-26 12:50:09  38 ms", ""]
    assert second == Step("fnrun runs show 0a1b2c3d", [])


def test_ids_moments_and_durations_differ_each_time_and_an_id_stays_the_same() -> None:
    session = Session()
    first, second = steps(BLOCK)
    assert session.lines_missing(first.shown, PRINTED) == []
    assert session.real(second.command) == "fnrun runs show 99999999-e29b-41d4-a716-446655440000"
    assert session.lines_missing(["id 0a1b2c3d"], "id 88888888") == ["id 0a1b2c3d"]


def test_a_line_that_was_not_printed_or_earlier_is_missing() -> None:
    session = Session()
    assert session.lines_missing(["status  completed", "retries  3"], "status failure\nretries 3") == [
        "status  completed"
    ]
    assert session.lines_missing(["b", "a"], "a\nb") == ["a"]
    assert session.lines_missing(["total: …"], "total: 27") == []
