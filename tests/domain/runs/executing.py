"""The run that tests execute, and what others do to it meanwhile."""

from datetime import timedelta

from handlers.domain.runs.run import Status
from tests.builders import NOW, RUN_ID
from tests.fakes import World

PARAMETERS = b'{ "order": 1.0 }'


def moved_by_another(world: World) -> None:
    """Another executor claims the run."""
    run = world.run(RUN_ID)
    world.runs.runs[RUN_ID] = run.moved(
        status=Status.RUNNING, claim_token="another's", deadline=NOW + timedelta(seconds=90)
    )
