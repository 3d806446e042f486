"""How tests ask for a re-run, and how they see that nothing came of it."""

from typing import Any

from handlers.domain.starting.rerun import Asked, RerunBody
from tests.builders import (
    RUN_ID,
    WORKSPACE,
)
from tests.fakes import World

PARAMETERS = b'{"order":1,"customer":{"name":"Ada","id":1.0}}'


def asked(run_id: str = RUN_ID, *, workspace: str = WORKSPACE, by: str = "user-123", **body: Any) -> Asked:
    return Asked(workspace, run_id, by, RerunBody.read(body))


def nothing_happened(world: World) -> bool:
    return world.runs.writes == 0 and not world.queue.pushed
