"""A function whose versions can be told to treat each input otherwise, and runs of it that can be replayed."""

import json
from collections.abc import Callable
from typing import Any

from handlers.domain.runs.outcome import Outcome
from handlers.domain.runs.run import FunctionRun, Pin, Status
from tests.builders import FUNCTION_ARN, RUN_ID, a_pin
from tests.client.cli import Fnrun
from tests.client.server import Api
from tests.fakes.services import FakeInvoker

FUNCTION = "orders import"
Behaviour = Callable[[int], object]
"""Of an input's number: the result; an Outcome, or what happens instead, is one, too."""


def failure(error_code: str = "OrderInvalid") -> Outcome:
    error = json.dumps({"errorType": error_code, "stackTrace": []}).encode()
    return Outcome(Status.FAILURE, error_code=error_code, error=error)


class Versions(FakeInvoker):
    """By the number of the version; the others answer with their input's number."""

    def __init__(self, behaviours: dict[int, Behaviour]) -> None:
        super().__init__()
        self.behaviours = behaviours
        self.executed: list[tuple[int, int]] = []
        """Version and input of each execution."""

    def invoke(self, pin: Pin, parameters: bytes, _run: FunctionRun) -> Outcome:
        version, number = int(pin.function_version), json.loads(parameters)["n"]
        self.executed.append((version, number))
        behaviour = self.behaviours.get(version)
        result = number if behaviour is None else behaviour(number)
        return result if isinstance(result, Outcome) else Outcome(Status.COMPLETED, result=json.dumps(result).encode())


def with_runs(fnrun: Fnrun, api: Api, count: int, **behaviours: Behaviour) -> list[str]:
    """So many runs of version 7, newest first; today's code is version 8. `v8=lambda n: …` says what that does."""
    versions = Versions({int(name[1:]): each for name, each in behaviours.items()})
    api.world.invoker = versions
    api.world.runs.runs.pop(RUN_ID)  # whose result is not kept
    found = [_executed(fnrun, number) for number in range(count)]
    api.execute_pending()
    api.world.code.now |= {FUNCTION_ARN: a_pin(8), f"{FUNCTION_ARN}:8": a_pin(8)}
    versions.executed.clear()
    return found[::-1]


def _executed(fnrun: Fnrun, number: int) -> str:
    run_id: str = fnrun("execute", "import now", "--set", f"n={number}", "-o", "json").document["jobId"]
    return run_id


def replayed(fnrun: Fnrun, api: Api, *options: str) -> Any:
    with api.executing():
        return fnrun("replay", "--function", FUNCTION, "--yes", *options)


def executions(api: Api) -> list[tuple[int, int]]:
    assert isinstance(api.world.invoker, Versions)
    return sorted(api.world.invoker.executed)
