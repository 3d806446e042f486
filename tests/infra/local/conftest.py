import base64
import io
import json
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any
from uuid import uuid4

import pytest

from infra.local.emulator.process import Emulator

LAMBDA_TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


@dataclass(frozen=True)
class Invoked:
    payload: Any
    error: str | None
    log: str
    seconds: float


@dataclass(frozen=True)
class Function:
    arn: str
    client: Any

    def invoke(self, event: Any = None, **more: Any) -> Invoked:
        started = time.monotonic()
        answer = self.client.invoke(FunctionName=self.arn, Payload=json.dumps(event), LogType="Tail", **more)
        return Invoked(
            payload=json.loads(answer["Payload"].read()),
            error=answer.get("FunctionError"),
            log=base64.b64decode(answer.get("LogResult", "")).decode(),
            seconds=time.monotonic() - started,
        )


MakeFunction = Callable[..., Function]


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with Emulator(tmp_path_factory.mktemp("emulator")) as running:
        yield running


@pytest.fixture(scope="session")
def a_function(emulator: Emulator) -> MakeFunction:
    return functions_on(emulator)


def functions_on(emulator: Emulator) -> MakeFunction:
    """Makes a function of the text of its module `index`, and of other files that its package holds."""
    trust = json.dumps(LAMBDA_TRUST)
    role = emulator.client("iam").create_role(RoleName="function", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    client = emulator.client("lambda")

    def make(
        code: str,
        *,
        handler: str = "index.handler",
        timeout: int = 60,
        others: Mapping[str, str] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Function:
        created = client.create_function(
            FunctionName=f"f-{uuid4().hex}",
            Runtime="python3.13",
            Role=role,
            Handler=handler,
            Timeout=timeout,
            Code={"ZipFile": zip_of(code, others or {})},
            Environment={"Variables": dict(environment or {})},
        )
        return Function(created["FunctionArn"], client)

    return make


@pytest.fixture(scope="session")
def package() -> Callable[[str], bytes]:
    return zip_of


def zip_of(code: str, others: Mapping[str, str] = MappingProxyType({})) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in {"index.py": code, **others}.items():
            archive.writestr(name, text)
    return buffer.getvalue()


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "local"
