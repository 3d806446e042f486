import json
import platform
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from handlers.domain.runs.outcome import Outcome
from handlers.domain.runs.run import Status
from tests.builders import FUNCTION_ARN, TRIGGER_ID, a_pin
from tests.client.debugging.aws import Aws, aws_with_credentials, sha256
from tests.client.server import Api
from tests.packages import packed

PINNED = f"{FUNCTION_ARN}:7"
ARCHITECTURE = {"aarch64": "arm64", "arm64": "arm64"}.get(platform.machine(), "x86_64")


class Recorded:
    """A stack on AWS with runs of one function, whose code is its version 7."""

    def __init__(self, api: Api, aws: Aws) -> None:
        self.api, self.aws = api, aws

    def deploy(self, code: str, arn: str = PINNED, **configuration: Any) -> None:
        archive = packed({"app.py": code})
        here = {"Runtime": f"python3.{sys.version_info.minor}", "Architectures": [ARCHITECTURE]}
        self.aws.add_function(arn, archive, **(here | configuration))
        if arn == PINNED:
            self.api.world.code.now[FUNCTION_ARN] = a_pin(7, function_code_hash=sha256(archive))

    def executed(self, payload: Any, *, result: Any = None, error: dict[str, Any] | None = None) -> str:
        """The id of a run with this outcome."""
        if error is None:
            outcome = Outcome(Status.COMPLETED, result=json.dumps(result).encode())
        else:
            used_up_its_time = error["errorType"] == "Sandbox.Timedout"
            outcome = Outcome.of_failed_invocation(json.dumps(error).encode(), used_up_its_time=used_up_its_time)
        self.api.world.invoker.script = [outcome]
        run = self.pending(payload)
        self.api.execute_pending()
        return run

    def pending(self, payload: Any) -> str:
        answer = httpx.post(
            f"{self.api.url}/workspace/acme/api/v1/function-triggers/{TRIGGER_ID}/execute",
            json={"payload": payload},
            headers={"Authorization": f"Bearer {self.api.token()}"},
            trust_env=False,
        )
        return str(answer.json()["jobId"])

    def reveals(self) -> int:
        return sum("include=" in request.query for request in self.api.requests)


@pytest.fixture
def recorded(api: Api, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Recorded]:
    monkeypatch.chdir(tmp_path)
    with aws_with_credentials(monkeypatch) as aws:
        monkeypatch.setenv("FNRUN_URL", api.url)
        monkeypatch.setenv("FNRUN_WORKSPACE", "acme")
        monkeypatch.setenv("FNRUN_TOKEN", api.token())
        yield Recorded(api, aws)
