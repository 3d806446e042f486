"""How tests ask for a re-run, and how they see that nothing came of it."""

from typing import Any

from handlers.domain.starting.rerun import RerunBody, RerunRequest
from tests.builders import (
    RUN_ID,
    WORKSPACE,
)
from tests.fakes import World

PARAMETERS = b'{"order":1,"customer":{"name":"Ada","id":1.0}}'


def request(run_id: str = RUN_ID, *, workspace: str = WORKSPACE, by: str = "user-123", **body: Any) -> RerunRequest:
    return RerunRequest(workspace, run_id, by, RerunBody.read(body))


def nothing_happened(world: World) -> bool:
    return world.runs.writes == 0 and not world.queue.pushed
