"""The short form of the fault suite; the long one is `make chaos`."""

from infra.local.laptop import Laptop
from tests.chaos.campaign import Campaign
from tests.chaos.faults import EVERY


def test_under_faults_and_killed_processes_every_promise_of_the_service_is_kept(laptop: Laptop) -> None:
    with Campaign(laptop, callers=2) as campaign:
        campaign.kill_processes(6, EVERY, 0.15, most=4)
        account = campaign.account()

    assert account.findings == []
    assert account.seen.struck.total() > 0
    assert account.killed.total() > 0
