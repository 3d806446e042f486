"""A run whose message has ended in the dead-letter queue does not stay open."""

from datetime import datetime, timedelta

import pytest

from handlers.domain.errors import Unavailable
from handlers.domain.runs.execution import ExecutionResult, execute
from handlers.domain.runs.run import Content, FunctionRun, Status
from handlers.domain.upkeep.recovery import DeadLetter, RecoveryResult, end_undeliverable
from tests.builders import NOW, RUN_ID, a_run, an_id
from tests.domain.watching import a_pass
from tests.fakes import FakeClock, World


def ended(world: World) -> tuple[dict[RecoveryResult, int], list[str]]:
    """What a pass of the watchdog did with the dead letters, and the runs it could not help."""
    reported: list[str] = []
    done = end_undeliverable(world.watchdog, has_time=lambda: True, report=lambda _, run_id: reported.append(run_id))
    return dict(done), reported


def has_letter(world: World, run_id: str = RUN_ID, *, sent_at: datetime = NOW - timedelta(minutes=80)) -> None:
    world.dead_letters.dead_letters.append(
        DeadLetter(run_id, f"receipt-{len(world.dead_letters.dead_letters)}", sent_at)
    )


def test_a_pending_run_is_sent_once_more(waiting: World) -> None:
    has_letter(waiting)
    assert ended(waiting) == ({RecoveryResult.REDELIVERED: 1}, [])
    assert waiting.queue.pushed == [(RUN_ID, 0)]
    assert not waiting.dead_letters.dead_letters
    assert execute(RUN_ID, waiting.execution_deps).result is ExecutionResult.FINISHED
    assert waiting.run(RUN_ID).status is Status.COMPLETED


def test_letters_from_before_it_was_sent_once_more_say_nothing_new(waiting: World, time: FakeClock) -> None:
    for minutes in (90, 80, 70):
        has_letter(waiting, sent_at=NOW - timedelta(minutes=minutes))
    assert ended(waiting) == ({RecoveryResult.REDELIVERED: 1, RecoveryResult.MOVED_ON: 2}, [])
    time.advance(minutes=2)
    has_letter(waiting)
    assert ended(waiting) == ({RecoveryResult.MOVED_ON: 1}, [])
    assert waiting.run(RUN_ID).status is Status.PENDING
    assert not waiting.dead_letters.dead_letters


@pytest.mark.parametrize("attempts", [0, 1])
def test_a_run_whose_second_message_ends_there_too_fails_and_says_whether_it_was_executed(
    world: World, time: FakeClock, attempts: int
) -> None:
    world.has_run(a_run(status="pending", execution_attempts=attempts))
    has_letter(world)
    ended(world)
    time.advance(minutes=80)
    has_letter(world, sent_at=NOW)
    assert ended(world) == ({RecoveryResult.UNDELIVERABLE: 1}, [])
    run = world.run(RUN_ID)
    assert (run.status, run.error_code, run.execution_attempts) == (Status.FAILURE, "DeliveryFailed", attempts)
    error = world.opened(run, Content.ERROR) or b""
    assert (b"dead-letter queue" in error, b"It had been executed before" in error) == (True, attempts > 0)
    assert [each.error_code for each in world.bus.published] == ["DeliveryFailed"]


def test_a_run_that_this_very_pass_has_given_back_is_executed(world: World, time: FakeClock) -> None:
    world.has_run(a_run(status="running"))
    has_letter(world)
    time.advance(minutes=80)
    a_pass(world)
    ended(world)
    assert execute(RUN_ID, world.execution_deps).result is ExecutionResult.FINISHED
    assert (world.run(RUN_ID).status, world.run(RUN_ID).execution_attempts) == (Status.COMPLETED, 2)


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
    assert ended(world) == ({RecoveryResult.MOVED_ON: 1}, [])
    assert world.run(RUN_ID) == run
    assert not world.dead_letters.dead_letters


def test_the_letter_of_a_run_that_is_gone_is_thrown_away(world: World) -> None:
    has_letter(world)
    assert ended(world) == ({RecoveryResult.MOVED_ON: 1}, [])
    assert not world.dead_letters.dead_letters


def test_two_letters_of_one_run_end_it_once(waiting: World, time: FakeClock) -> None:
    has_letter(waiting)
    ended(waiting)
    time.advance(minutes=80)
    has_letter(waiting, sent_at=NOW)
    has_letter(waiting, sent_at=NOW)
    assert ended(waiting) == ({RecoveryResult.UNDELIVERABLE: 1, RecoveryResult.MOVED_ON: 1}, [])
    assert len(waiting.bus.published) == 1


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
    assert ended(waiting) == ({RecoveryResult.FAILED: 1, RecoveryResult.REDELIVERED: 1}, [an_id(9)])
    assert [dead_letter.run_id for dead_letter in waiting.dead_letters.dead_letters] == [an_id(9)]
