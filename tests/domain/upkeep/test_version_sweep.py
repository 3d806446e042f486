"""Which versions go, which stay, and what happens to runs meanwhile."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest

from handlers.sweep_versions.sweep import (
    MAX_FUNCTIONS,
    PAUSE_SECONDS,
    SweepDeps,
    SweepResult,
    UnreadableRun,
    sweep_versions,
)
from tests.builders import FUNCTION_ARN, NOW, a_pin, a_rerun, a_run, an_id
from tests.fakes import FakeClock
from tests.fakes.services import nothing
from tests.fakes.versions import FakeUses, FakeVersions, a_version

OTHER = FUNCTION_ARN + "-other"


class Sweep:
    """An installation, as far as a sweep sees it."""

    def __init__(self, time: FakeClock) -> None:
        self.versions, self.references, self.time = FakeVersions(), FakeUses(), time
        self.waited: list[float] = []
        self.while_waiting: Callable[[], object] = nothing
        self.reported: list[str] = []
        self.time_left = 1000
        """How often there is time to go on."""

    def __call__(self) -> Counter[SweepResult]:
        return sweep_versions(
            SweepDeps(self.versions, self.references, self._wait),
            has_time=self._has_time,
            report=lambda _, arn: self.reported.append(arn),
        )

    def _has_time(self) -> bool:
        self.time_left -= 1
        return self.time_left >= 0

    def _wait(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.time.advance(seconds=seconds)
        self.while_waiting()

    @property
    def deleted(self) -> list[int]:
        return [int(arn.rpartition(":")[2]) for arn in self.versions.deleted]


@pytest.fixture
def sweep(time: FakeClock) -> Sweep:
    return Sweep(time)


def test_what_no_run_names_goes_and_the_newest_stays(sweep: Sweep) -> None:
    sweep.versions.has(a_version(1), a_version(2), a_version(3))
    assert sweep() == {SweepResult.DELETED: 2, SweepResult.NEWEST: 1}
    assert sweep.deleted == [1, 2]


def test_what_a_kept_run_names_stays_until_the_run_has_expired(sweep: Sweep, time: FakeClock) -> None:
    sweep.versions.has(a_version(1), a_version(2))
    sweep.references.runs = [a_run(pin=a_pin(1))]
    assert sweep() == {SweepResult.NAMED: 1, SweepResult.NEWEST: 1}
    time.advance(days=91)
    assert sweep() == {SweepResult.DELETED: 1, SweepResult.NEWEST: 1}


def test_a_captured_run_of_any_workspace_keeps_its_version(sweep: Sweep) -> None:
    sweep.versions.has(a_version(1), a_version(2))
    pin = a_pin(1, function_code_hash=None, timeout_seconds=None)
    sweep.references.runs = [a_run(workspace="other", execution_source="captured", pin=pin)]
    assert sweep() == {SweepResult.NAMED: 1, SweepResult.NEWEST: 1}


def test_a_run_of_another_function_keeps_nothing_of_this_one(sweep: Sweep) -> None:
    sweep.versions.has(a_version(1), a_version(2))
    sweep.references.runs = [a_run(function_arn=OTHER, pin=a_pin(1, function_version_arn=f"{OTHER}:1"))]
    assert sweep() == {SweepResult.DELETED: 1, SweepResult.NEWEST: 1}


def test_what_a_team_published_stays_and_what_an_alias_points_to(sweep: Sweep) -> None:
    sweep.versions.has(a_version(1, is_ours=False), a_version(2, is_aliased=True), a_version(3))
    assert sweep() == {SweepResult.NOT_OURS: 1, SweepResult.ALIASED: 1, SweepResult.NEWEST: 1}


@pytest.mark.parametrize("ages", [(0.9, 30), (30, 0.9)], ids=["itself", "its successor"])
def test_what_was_current_code_within_a_day_stays(sweep: Sweep, time: FakeClock, ages: tuple[float, float]) -> None:
    sweep.versions.has(a_version(1, days_old=ages[0]), a_version(2, days_old=ages[1]))
    assert sweep() == {SweepResult.YOUNG: 1, SweepResult.NEWEST: 1}
    time.advance(hours=3)
    assert sweep() == {SweepResult.DELETED: 1, SweepResult.NEWEST: 1}


def test_a_team_s_own_version_can_be_the_newest(sweep: Sweep) -> None:
    sweep.versions.has(a_version(10), a_version(9), a_version(11, is_ours=False))
    assert sweep() == {SweepResult.DELETED: 2, SweepResult.NOT_OURS: 1}
    assert sweep.deleted == [10, 9]


def test_where_nothing_may_go_no_run_is_read(sweep: Sweep) -> None:
    sweep.versions.has(a_version(1))
    sweep.references.runs = [a_run()]
    sweep.references.unreadable = {a_run().id: None}
    assert sweep() == {SweepResult.NEWEST: 1}
    assert sweep.waited == []


class TestMeanwhile:
    """A sweep and a run at the same time."""

    def test_a_rerun_whose_source_expires_before_it_is_read_keeps_the_version(
        self, sweep: Sweep, time: FakeClock
    ) -> None:
        sweep.versions.has(a_version(1), a_version(2))
        source = a_run(pin=a_pin(1), expires_at=NOW + timedelta(seconds=1))
        sweep.references.runs = [source]

        def rerun_in_the_last_moment() -> None:
            sweep.references.runs.append(a_rerun(source, pin=a_pin(1), created_at=time.moment))
            time.advance(seconds=2)

        sweep.references.meanwhile = rerun_in_the_last_moment
        assert sweep() == {SweepResult.NAMED: 1, SweepResult.NEWEST: 1}

    def test_a_rerun_that_is_slow_to_be_recorded_is_waited_for(self, sweep: Sweep) -> None:
        sweep.versions.has(a_version(1), a_version(2))
        source = a_run(pin=a_pin(1), expires_at=NOW)
        sweep.references.runs = [source]
        slow = a_rerun(source, pin=a_pin(1), created_at=NOW - timedelta(seconds=1))
        sweep.while_waiting = lambda: sweep.references.runs.append(slow)
        assert sweep() == {SweepResult.NAMED: 1, SweepResult.NEWEST: 1}
        assert sweep.waited[0] > 60

    def test_what_the_index_tells_late_is_waited_for(self, sweep: Sweep) -> None:
        sweep.versions.has(a_version(1), a_version(2))
        # Recorded before the sweep, by a clock that is behind.
        late = a_run(pin=a_pin(1), created_at=NOW - timedelta(minutes=4))
        sweep.while_waiting = lambda: sweep.references.runs.append(late)
        assert sweep() == {SweepResult.NAMED: 1, SweepResult.NEWEST: 1}
        assert sweep.waited == [PAUSE_SECONDS]

    def test_a_version_that_an_alias_has_come_to_point_to_is_held_by_lambda(self, sweep: Sweep) -> None:
        sweep.versions.has(a_version(1), a_version(2), a_version(3))
        sweep.versions.locked = {a_version(1).arn}
        assert sweep() == {SweepResult.HELD: 1, SweepResult.DELETED: 1, SweepResult.NEWEST: 1}
        assert sweep.reported == []

    def test_a_second_sweep_finds_nothing_left_to_do(self, sweep: Sweep) -> None:
        sweep.versions.has(a_version(1), a_version(2))
        sweep()
        assert sweep() == {SweepResult.NEWEST: 1}


class TestWhatCannotBeTold:
    def test_a_run_whose_version_cannot_be_read_keeps_all_of_its_function(self, sweep: Sweep) -> None:
        sweep.references.registered = {FUNCTION_ARN, OTHER}
        sweep.versions.has(a_version(1), a_version(2))
        sweep.versions.has(a_version(1, function_arn=OTHER), a_version(2, function_arn=OTHER))
        sweep.references.runs = [a_run()]
        sweep.references.unreadable = {a_run().id: FUNCTION_ARN}
        assert sweep() == {SweepResult.NAMED: 1, SweepResult.DELETED: 1, SweepResult.NEWEST: 2}
        assert sweep.versions.deleted == [f"{OTHER}:1"]

    def test_a_run_whose_function_cannot_be_read_keeps_everything(self, sweep: Sweep) -> None:
        sweep.versions.has(a_version(1), a_version(2))
        sweep.references.runs = [a_run()]
        sweep.references.unreadable = {a_run().id: None}
        with pytest.raises(UnreadableRun):
            sweep()
        assert sweep.deleted == []

    @pytest.mark.parametrize("pages", range(7))
    def test_unless_all_runs_were_read_in_time_nothing_goes(self, sweep: Sweep, pages: int) -> None:
        sweep.versions.has(a_version(1), a_version(2), a_version(3))
        sweep.references.runs = [a_run(id=an_id(n), pin=a_pin(3)) for n in range(3)]
        sweep.time_left = pages
        results = sweep()
        assert sweep.deleted == []
        assert results[SweepResult.UNFINISHED] == 1

    def test_what_is_left_when_time_runs_out_is_left_for_the_next_month(self, sweep: Sweep) -> None:
        sweep.versions.has(a_version(1), a_version(2), a_version(3))
        sweep.time_left = 2
        assert sweep() == {SweepResult.DELETED: 1, SweepResult.LEFT: 1, SweepResult.NEWEST: 1}
        sweep.time_left = 1000
        assert sweep() == {SweepResult.DELETED: 1, SweepResult.NEWEST: 1}

    def test_a_function_that_lambda_does_not_tell_of_keeps_no_other_waiting(self, sweep: Sweep) -> None:
        sweep.references.registered = {FUNCTION_ARN, OTHER}
        sweep.versions.has(a_version(1), a_version(2))
        sweep.versions.has(a_version(1, function_arn=OTHER), a_version(2, function_arn=OTHER))
        sweep.versions.broken = {OTHER}
        assert sweep() == {SweepResult.UNSEEN: 1, SweepResult.DELETED: 1, SweepResult.NEWEST: 1}
        assert sweep.reported == [OTHER]

    def test_a_version_that_cannot_be_deleted_keeps_no_other_waiting(self, sweep: Sweep) -> None:
        sweep.versions.has(a_version(1), a_version(2), a_version(3))
        sweep.versions.broken = {a_version(1).arn}
        assert sweep() == {SweepResult.FAILED: 1, SweepResult.DELETED: 1, SweepResult.NEWEST: 1}
        assert sweep.reported == [a_version(1).arn]

    def test_of_very_many_functions_some_have_their_turn(self, sweep: Sweep) -> None:
        sweep.references.registered = {f"{FUNCTION_ARN}-{n}" for n in range(MAX_FUNCTIONS + 1)}
        assert sweep() == {}
        assert len(set(sweep.versions.request)) == len(sweep.versions.request) == MAX_FUNCTIONS
