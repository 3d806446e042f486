"""A run whose message has ended in the dead-letter queue does not stay open."""

from datetime import timedelta

import pytest

from handlers.domain.errors import Unavailable
from handlers.domain.runs.run import FunctionRun, Part, Status
from handlers.domain.upkeep.recovery import DeadLetter, Remedy, end_undeliverable
from tests.builders import NOW, RUN_ID, a_run, an_id
from tests.fakes import World


def ended(world: World) -> tuple[dict[Remedy, int], list[str]]:
    """What a pass of the watchdog did with the dead letters, and the runs it could not help."""
    reported: list[str] = []
    done = end_undeliverable(world.watchdog, has_time=lambda: True, report=lambda _, run_id: reported.append(run_id))
    return dict(done), reported


def has_letter(world: World, run_id: str = RUN_ID) -> None:
    world.dead_letters.letters.append(DeadLetter(run_id, f"receipt-of-{run_id}"))


def test_a_pending_run_fails_and_says_that_it_was_not_executed(waiting: World) -> None:
    has_letter(waiting)
    assert ended(waiting) == ({Remedy.UNDELIVERABLE: 1}, [])
    run = waiting.run(RUN_ID)
    assert (run.status, run.error_code, run.execution_attempts) == (Status.FAILURE, "DeliveryFailed", 0)
    assert b"dead-letter queue" in (waiting.opened(run, Part.ERROR) or b"")
    assert [each.error_code for each in waiting.bus.announced] == ["DeliveryFailed"]
    assert not waiting.dead_letters.letters


@pytest.mark.parametrize(
    "run",
    [
        a_run(status="running"),
        a_run(status="completed"),
        a_run(status="pending", not_before=NOW + timedelta(hours=1)),
        a_run(status="pending", waits_until=NOW + timedelta(minutes=10)),
    ],
)
def test_a_run_that_goes_its_way_is_left_alone(world: World, run: FunctionRun) -> None:
    world.has_run(run)
    has_letter(world)
    assert ended(world) == ({Remedy.MOVED_ON: 1}, [])
    assert world.run(RUN_ID) == run
    assert not world.dead_letters.letters


def test_the_letter_of_a_run_that_is_gone_is_thrown_away(world: World) -> None:
    has_letter(world)
    assert ended(world) == ({Remedy.MOVED_ON: 1}, [])
    assert not world.dead_letters.letters


def test_two_letters_of_one_run_end_it_once(waiting: World) -> None:
    has_letter(waiting)
    has_letter(waiting)
    assert ended(waiting) == ({Remedy.UNDELIVERABLE: 1, Remedy.MOVED_ON: 1}, [])
    assert len(waiting.bus.announced) == 1


def test_a_letter_that_cannot_be_dealt_with_now_stays_and_the_others_are_dealt_with(
    waiting: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting.has_run(a_run(id=an_id(9), status="pending"))
    has_letter(waiting, an_id(9))
    has_letter(waiting)
    read = waiting.runs.read_run

    def read_but_one(run_id: str) -> FunctionRun | None:
        if run_id == an_id(9):
            raise Unavailable
        return read(run_id)

    monkeypatch.setattr(waiting.runs, "read_run", read_but_one)
    assert ended(waiting) == ({Remedy.FAILED: 1, Remedy.UNDELIVERABLE: 1}, [an_id(9)])
    assert [letter.run_id for letter in waiting.dead_letters.letters] == [an_id(9)]
