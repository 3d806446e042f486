"""What the steps of a large batch come to: see tests/bench/batch_simulation."""

from tests.bench.batch_simulation import HISTORY_LIMIT, Scenario, simulate


def test_a_large_batch_is_as_fast_as_its_pace_and_costs_little_beside_its_reruns() -> None:
    fast = simulate(Scenario("", 4_000, {"startPerSecond": 50, "maxPerSecond": 50}))
    assert fast.batch.progress.completed == 4_000
    assert fast.seconds < 4_000 / 50 * 1.15 + 30
    assert 1e6 * fast.dollars / 4_000 < 3


def test_an_execution_ends_before_its_history_is_full() -> None:
    slow = simulate(Scenario("", 1, {}, run_seconds=36 * 3600))
    assert slow.generations == 2
    assert slow.longest_history < HISTORY_LIMIT
