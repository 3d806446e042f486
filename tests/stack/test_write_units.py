"""What a re-run and an experiment cost in DynamoDB, as `docs/reference/storage.md` says."""

from pathlib import Path

from tests.bench.write_units import (
    FAILS_AT_FIRST,
    FailureUnits,
    Units,
    a_rerun_of,
    hottest_keys,
    units_of_an_experiment,
)
from tests.stack.driver import Workspace
from tests.stack.lineage import LineageFixture

BOUND = 23


def test_a_rerun_and_its_execution_write_no_more_units_than_they_may(workspace: Workspace, tmp_path: Path) -> None:
    fixture = LineageFixture.of(workspace, tmp_path)
    trigger, _ = workspace.trigger_of()
    fixture.original = workspace.execute(trigger, payload={"orderId": "o-1"})
    workspace.ended(fixture.original)
    container = fixture.container()
    as_it_was, with_overrides = a_rerun_of(fixture), a_rerun_of(fixture, overrideParams={"a": 1})
    # Secrets and versions that are made once are made by now.
    Units.of(fixture, container, as_it_was)
    assert Units.of(fixture, container, as_it_was) == Units(post=13, claim=1, outcome=4, mark=1, published=2)
    most = Units.of(fixture, container, with_overrides)
    assert most == Units(post=15, claim=1, outcome=4, mark=1, published=2)
    assert sum(most) <= BOUND
    fixture.original = workspace.execute(workspace.trigger_of(FAILS_AT_FIRST)[0])
    assert workspace.ended(fixture.original)["status"] == "failure"
    assert Units.of(fixture, container, a_rerun_of(fixture, overrideParams={"a": 1})) == most._replace(mark=3)
    assert [units_of_an_experiment(fixture, container, repeats) for repeats in (2, 5)] == [42, 96]
    fixture.close()


def test_a_failure_enters_four_lists_and_a_flood_of_them_is_far_from_what_a_key_takes(
    workspace: Workspace, tmp_path: Path
) -> None:
    fixture = LineageFixture.of(workspace, tmp_path)
    trigger, _ = workspace.trigger_of(FAILS_AT_FIRST)
    container = fixture.container()
    FailureUnits.of(fixture, container, workspace.trigger_of(FAILS_AT_FIRST)[0])
    opening, each = (FailureUnits.of(fixture, container, trigger) for _ in range(2))
    fixture.close()
    assert each[:4] == (9, 1, 8, 2)
    assert opening.all - each.all == 4
    rates = hottest_keys(each, opening)
    assert max(rates.values()) < 100
