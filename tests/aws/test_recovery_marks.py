"""An original that has failed is in the list of unrecovered runs until a re-run of it completes, whoever was first."""

from typing import Any, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.aws import keys, run_items
from handlers.aws.run_store import RunStore
from handlers.domain.clock import iso
from handlers.domain.runs.run import FunctionRun, Status, new_token
from tests.aws.in_memory_table import InMemoryTable
from tests.builders import NOW, a_rerun, a_run, an_id

ORIGINAL = a_run(status="pending")
RERUNS = [a_rerun(ORIGINAL, id=an_id(number)) for number in range(3)]
OF_ANOTHER_FUNCTION = a_rerun(ORIGINAL, id=an_id(9), function_id=an_id(99))
# Who moves the original may have read it any number of acts ago.
MOVES = st.tuples(
    st.sampled_from(["claim", "give back", "failure", "timeout", "completed", "cancelled", "publish", "reschedule"]),
    st.integers(0, 9),
)
MARKS = st.tuples(st.just("re-run completes"), st.sampled_from([*RERUNS, OF_ANOTHER_FUNCTION]))
ACTS = st.lists(st.one_of(MOVES, MARKS, st.tuples(st.just("expires"), st.none())), max_size=12)


class NoParts:
    """All outcomes are without content."""


def moved(act: str, run: FunctionRun) -> FunctionRun | None:
    """The run after that act; None if who has read it so would not do that."""
    if run.status.is_open:
        if act in ("claim", "give back"):
            status, token = (Status.RUNNING, new_token()) if act == "claim" else (Status.PENDING, None)
            return run.moved(status=status, claim_token=token)
        if act in list(Status):
            return run.moved(status=Status(act), claim_token=None, event_pending=True)
    elif act == "publish" and run.event_pending:
        return run.moved(event_pending=False, deadline=None)
    return None


@settings(max_examples=300)
@given(ACTS)
def test_whatever_happens_in_whatever_order_the_mark_and_the_list_are_right(acts: list[tuple[str, Any]]) -> None:
    table, key = InMemoryTable(), keys.pair(keys.run(ORIGINAL.id))
    table.put(run_items.of_run(ORIGINAL))
    runs = RunStore(cast("Any", table), cast("Any", NoParts()), report=lambda _: None)
    seen, first, expired = [ORIGINAL], None, False
    for act, by in acts:
        if act == "expires":
            table.items.pop(key, None)
            expired = True
        elif act == "re-run completes":
            runs.mark_recovered(by)
            first = first or (by.id if by is not OF_ANOTHER_FUNCTION and not expired else None)
        elif act == "reschedule":
            runs.reschedule(seen[-1 - by % len(seen)])
        elif (after := moved(act, before := seen[-1 - by % len(seen)])) is not None:
            runs.transition(before, after)
        found = runs.read_run(ORIGINAL.id)
        assert (found is None) == expired, "nothing comes back"
        if found is None:
            continue
        seen.append(found)
        assert found.recovered_by == first
        assert found.recovered == ((first is not None) if found.status.is_failed else None)
        in_list = table.items[key].get("unrecoveredAt")
        assert in_list == ({"S": iso(NOW)} if found.recovered is False else None)


def test_an_end_that_crosses_with_the_mark_is_stored_once_more_with_it() -> None:
    table = InMemoryTable()
    table.put(run_items.of_run(ORIGINAL))
    runs = RunStore(cast("Any", table), cast("Any", NoParts()), report=lambda _: None)
    runs.mark_recovered(RERUNS[1])
    runs.mark_recovered(RERUNS[2])
    failed = ORIGINAL.moved(status=Status.FAILURE, event_pending=True)
    assert runs.transition(ORIGINAL, failed)
    assert runs.transition(failed, published := failed.moved(event_pending=False, deadline=None))
    found = runs.read_run(ORIGINAL.id)
    assert found == published.evolve(recovered_by=RERUNS[1].id)
    assert "unrecoveredAt" not in table.items[keys.pair(keys.run(ORIGINAL.id))]
