"""How tests ask for a plan."""

from typing import Any

from handlers.domain.starting.plan import Plan, make_plan
from tests.builders import RUN_ID
from tests.domain.starting.rerunning import request
from tests.fakes import World


def planned(world: World, run_id: str = RUN_ID, *, reveals: bool = True, **body: Any) -> Plan:
    return make_plan(request(run_id, **body)._replace(reveals=reveals), world.plan_deps)


def token_for(world: World, run_id: str = RUN_ID, **body: Any) -> str:
    """Of a plan that nothing stands against."""
    plan = planned(world, run_id, **body)
    assert plan.token is not None, plan.refusals
    return plan.token
