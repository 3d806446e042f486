"""How tests ask for a re-run, and how they see that nothing came of it."""

from contextlib import suppress
from typing import Any

from handlers.domain.runs.run import FunctionRun
from handlers.domain.starting.rerun import RerunBody, RerunRequest, prepare
from handlers.domain.starting.start import LineageMoved, Started, commit
from handlers.wiring import Wiring
from tests.builders import RUN_ID, WORKSPACE
from tests.fakes import World

PARAMETERS = b'{"order":1,"customer":{"name":"Ada","id":1.0}}'


def request(run_id: str = RUN_ID, *, workspace: str = WORKSPACE, by: str = "user-123", **body: Any) -> RerunRequest:
    return RerunRequest(workspace, run_id, by, RerunBody.read(body))


def rerun(request: RerunRequest, installation: World | Wiring) -> FunctionRun:
    """What POST …/rerun does with it."""
    while True:
        prepared = prepare(request, installation.rerun_deps)
        with suppress(LineageMoved):
            return prepared.run if isinstance(prepared, Started) else commit(prepared, installation.start_deps).run


def nothing_happened(world: World) -> bool:
    return world.runs.writes == 0 and not world.queue.pushed
