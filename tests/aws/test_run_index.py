"""Lists by the real indexes: whatever is asked for, what brute force finds, and no more read than a page may."""

import random
from collections.abc import Iterator
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handlers.aws import run_items
from handlers.aws.run_index import RunIndex
from handlers.aws.table import Table
from handlers.domain.paging import Page
from handlers.domain.runs.listing import LOOKS_PER_RUN, Filters, list_runs
from handlers.domain.runs.run import FunctionRun
from infra.local.local_stack import LocalStack
from tests.aws.storing import store_of
from tests.domain.runs.test_listing import QUERIES, VALUES, brute_force, some_run
from tests.stack.test_lists import Counted

RUNS = 80
# So many runs, at most, are of one millisecond: they are read together, and put in order by their ids.
SAME_MOMENT = 20


class Crowd:
    """A workspace with runs of all kinds. Hypothesis would write out a dataclass."""

    def __init__(self, workspace: str, runs: list[FunctionRun]) -> None:
        self.workspace, self.runs = workspace, runs


@pytest.fixture(scope="module")
def crowd(local_stack: LocalStack) -> Crowd:
    chosen, workspace = random.Random(7), f"ws-{uuid4().hex[:8]}"
    # Without deadlines: the stack's watchdog is to leave them as they are.
    own = {"workspace": workspace, "deadline": None}
    found = [
        some_run(number, chosen.choice).evolve(id=str(uuid4()), notes_apart=number % 7 == 0, **own)
        for number in range(RUNS)
    ]
    table = Table(local_stack.client("dynamodb"), local_stack.outputs["TableName"])
    for run in found:
        table.put(run_items.of_run(run))
        if run.notes_apart:
            table.put(run_items.of_notes(run))
    return Crowd(workspace, found)


def pages(local_stack: LocalStack, workspace: str, query: dict[str, str], size: int) -> Iterator[list[FunctionRun]]:
    position = None
    while True:
        counted = Counted(local_stack.client("dynamodb"))
        table = Table(counted, local_stack.outputs["TableName"])  # type: ignore[arg-type]
        page = Page(size, position)
        found, position = list_runs(
            workspace, Filters.from_query(query), page, RunIndex(table), store_of(local_stack, table)
        )
        assert counted.items <= 2 * LOOKS_PER_RUN * size, "each run, and its notes"
        assert counted.entries <= 2 * (LOOKS_PER_RUN * size + run_items.SHARDS + SAME_MOMENT)
        yield found
        if position is None:
            return


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(QUERIES, st.sampled_from([3, 10, 50]))
def test_whatever_is_asked_for_is_found_page_by_page(
    crowd: Crowd, local_stack: LocalStack, query: dict[str, str], size: int
) -> None:
    found = [run.id for page in pages(local_stack, crowd.workspace, query, size) for run in page]
    assert found == brute_force(crowd.runs, query)


def test_unrecovered_runs_are_found_without_a_look_at_any_other(crowd: Crowd, local_stack: LocalStack) -> None:
    counted = Counted(local_stack.client("dynamodb"))
    table = Table(counted, local_stack.outputs["TableName"])  # type: ignore[arg-type]
    ports = RunIndex(table), store_of(local_stack, table)
    found, _ = list_runs(crowd.workspace, Filters(recovered=False), Page(100), *ports)
    notes = len([run for run in found if run.notes_apart])
    assert counted.entries == len(found) == counted.items - notes
    assert 0 < len(found) < RUNS / 2


@pytest.mark.parametrize("recovered", [None, False])
def test_runs_of_an_error_group_are_found_without_a_look_at_any_other(
    crowd: Crowd, local_stack: LocalStack, *, recovered: bool | None
) -> None:
    counted = Counted(local_stack.client("dynamodb"))
    table = Table(counted, local_stack.outputs["TableName"])  # type: ignore[arg-type]
    ports = RunIndex(table), store_of(local_stack, table)
    found: list[FunctionRun] = []
    for group in VALUES["errorGroupId"]:
        found += list_runs(crowd.workspace, Filters(recovered=recovered, error_group_id=group), Page(100), *ports)[0]
    notes = len([run for run in found if run.notes_apart])
    assert counted.entries == len(found) == counted.items - notes
    assert 0 < len(found) < RUNS / 2
