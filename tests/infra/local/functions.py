"""Functions on the emulator: each is made of its code, and invoked by its ARN."""

import base64
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from infra.local.emulator.process import Emulator
from tests.packages import package

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
            Code={"ZipFile": package(code, others or {})},
            Environment={"Variables": dict(environment or {})},
        )
        return Function(created["FunctionArn"], client)

    return make
