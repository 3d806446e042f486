"""The short form of the fault suite; the long one is `make chaos`."""

from infra.local.local_stack import LocalStack
from tests.chaos.batches import run_batches
from tests.chaos.campaign import Campaign
from tests.chaos.exactly import run_exactly
from tests.faults.wire import EVERY


def test_under_faults_and_killed_processes_every_promise_of_the_service_is_kept(local_stack: LocalStack) -> None:
    with Campaign(local_stack, callers=2) as campaign:
        campaign.kill_processes(5, EVERY, 0.15, most=3)
        account = campaign.account()

    assert account.findings == []
    assert account.seen.injected.total() > 0
    assert account.killed.total() > 0


def test_with_every_event_delivered_twice_there_are_exactly_as_many_retries_as_there_must_be(
    local_stack: LocalStack,
) -> None:
    exact = run_exactly(local_stack, 20, callers=4)
    assert exact.findings == []
    assert (exact.recorded, exact.executions) == (32, 32)


def test_batches_recover_each_lineage_with_exactly_as_many_executions_as_there_must_be(local_stack: LocalStack) -> None:
    exact = run_batches(local_stack, 10, callers=4)
    assert exact.findings == []
    assert (exact.recorded, exact.executions) == (23, 23)
