"""The function on the emulator: its role and its code, made or updated in place. It can be interrupted and repeated."""

import base64
import hashlib
import json
import platform
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from fnrun.connection.aws import emulator_client
from fnrun.connection.local_stack import NEXT_STEP, LocalStack
from fnrun.errors import CommandError, Exit

ROLE_PATH = "/fnrun-local/"
"""Of the roles that are made here. A function with another role is somebody else's."""
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
# What AWS's policy AWSLambdaBasicExecutionRole allows.
LOGS = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": "*",
        }
    ],
}
TIMEOUT_SECONDS = 30
MEMORY_MB = 128
WAITING = {"Delay": 0.1, "MaxAttempts": 600}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """None leaves what the function has, or at first the default."""

    name: str
    handler: str
    runtime: str | None
    timeout: int | None
    memory: int | None
    environment: Mapping[str, str] | None

    def configuration(self) -> dict[str, Any]:
        given = {
            "Handler": self.handler,
            "Runtime": self.runtime,
            "Timeout": self.timeout,
            "MemorySize": self.memory,
            "Environment": None if self.environment is None else {"Variables": dict(self.environment)},
        }
        return {name: value for name, value in given.items() if value is not None}


@dataclass(frozen=True)
class Deployed:
    arn: str
    change: str
    """`created`, `updated` or `unchanged`."""


def deploy(stack: LocalStack, settings: Settings, package: Callable[[], bytes], *, own_runtime: str) -> Deployed:
    """`package` gives the zip once the stack has answered; `own_runtime` is what executes it. Raises CommandError."""
    where = {"endpoint": stack.aws_endpoint_url, "region": stack.region}
    functions, iam = emulator_client("lambda", **where), emulator_client("iam", **where)
    with _errors_of_aws(settings.name):
        found = _existing(functions, settings.name)
        code = package()
        role = _role(iam, settings.name)
        if found is None:
            created = _create(functions, settings, code, role, own_runtime)
            _settle(functions, settings.name)
            return Deployed(created["FunctionArn"], "created")
        return Deployed(found["FunctionArn"], _update(functions, settings, code, found))


def _existing(functions: Any, name: str) -> Any:
    """The function's configuration; None if there is no such function."""
    try:
        found = functions.get_function(FunctionName=name)["Configuration"]
    except functions.exceptions.ResourceNotFoundException:
        return None
    if not found["Role"].endswith(f":role{ROLE_PATH}{name}"):
        raise CommandError(f"The local stack has a function {name!r} that fnrun did not make", "add another --name")
    return found


def _role(iam: Any, name: str) -> str:
    """Its ARN. Whatever somebody has added to the role stays."""
    try:
        made = iam.create_role(Path=ROLE_PATH, RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))
    except iam.exceptions.EntityAlreadyExistsException:
        made = iam.get_role(RoleName=name)
        if made["Role"]["Path"] != ROLE_PATH:
            raise CommandError(
                f"The local stack has a role {name!r} that fnrun did not make", "add another --name"
            ) from None
        iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(TRUST))
    iam.put_role_policy(RoleName=name, PolicyName="logs", PolicyDocument=json.dumps(LOGS))
    arn: str = made["Role"]["Arn"]
    return arn


def _create(functions: Any, settings: Settings, code: bytes, role: str, own_runtime: str) -> Any:
    at_first = {"Runtime": own_runtime, "Timeout": TIMEOUT_SECONDS, "MemorySize": MEMORY_MB}
    return functions.create_function(
        FunctionName=settings.name,
        Role=role,
        Code={"ZipFile": code},
        Architectures=["arm64" if platform.machine().lower() in ("arm64", "aarch64") else "x86_64"],
        **(at_first | settings.configuration()),
    )


def _update(functions: Any, settings: Settings, code: bytes, found: Mapping[str, Any]) -> str:
    change = "unchanged"
    wanted = settings.configuration()
    if wanted != {name: found.get(name) for name in wanted}:
        _settle(functions, settings.name)
        functions.update_function_configuration(FunctionName=settings.name, **wanted)
        change = "updated"
    if found["CodeSha256"] != base64.b64encode(hashlib.sha256(code).digest()).decode():
        _settle(functions, settings.name)
        functions.update_function_code(FunctionName=settings.name, ZipFile=code)
        change = "updated"
    _settle(functions, settings.name)
    return change


def _settle(functions: Any, name: str) -> None:
    """Lambda refuses an update while another one is in progress, and executes the old code until it is over."""
    for waiter in ("function_active_v2", "function_updated_v2"):
        functions.get_waiter(waiter).wait(FunctionName=name, WaiterConfig=WAITING)


@contextmanager
def _errors_of_aws(name: str) -> Iterator[None]:
    from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, WaiterError

    try:
        yield
    except ClientError as error:
        said = error.response.get("Error", {})
        message = f"The local stack refuses the function: {said.get('Message') or said.get('Code')}".rstrip(".")
        raise CommandError(message, "correct that and deploy again", Exit.REFUSED) from None
    except WaiterError:
        raise CommandError(
            f"The function {name!r} is not ready yet", "deploy again, and look at: fnrun local logs", Exit.UNKNOWN
        ) from None
    except (HTTPClientError, BotoCoreError):
        raise CommandError("The local stack does not answer", NEXT_STEP, Exit.NOT_REACHED) from None
