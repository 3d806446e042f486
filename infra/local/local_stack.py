"""The whole product on this machine: the emulator, the stacks on it, and the file that says where they are."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import httpx

from infra.context import STACK_NAME
from infra.local import tokens
from infra.local.deploy import deploy, synthesise
from infra.local.emulator.process import REGION, Emulator, is_emulator, unproxied
from infra.local.waiting import wait_for
from infra.local_connection import STACK_FILE, TOKEN_FILE, NotUpError, read_stack_file

STACK = STACK_NAME
SAMPLES_STACK = f"{STACK}Samples"
CONTEXT = {
    "local": True,
    # Whatever cdk.json calls the stack on AWS.
    "stackName": STACK,
    # Here every workspace may invoke every function that is not the stack's own.
    "invokableFunctions": {"*": ["arn:aws:lambda:*:*:function:*"]},
    # Few, because each executor is a process more on a machine of few cores.
    "maxConcurrentExecutions": 10,
}


class SilentApiError(RuntimeError):
    """The stack is deployed, but its API does not refuse a request without a token."""


@dataclass(frozen=True, kw_only=True)
class LocalStack:
    emulator: Emulator
    api_url: str
    outputs: Mapping[str, str]
    samples: Mapping[str, str]
    user_pool_id: str
    client_id: str

    @classmethod
    def load(cls, directory: Path) -> Self:
        """What is up in that directory; raises `NotUpError`."""
        described = read_stack_file(directory)
        emulator = _running(directory, described)
        if emulator is None:
            raise NotUpError(directory)
        return cls(
            emulator=emulator,
            api_url=described["apiUrl"],
            outputs=described["outputs"],
            samples=described["samples"],
            user_pool_id=described["userPoolId"],
            client_id=described["clientId"],
        )

    def token(self, subject: str, grants: Sequence[str], **more: Any) -> str:
        """An access token of the pool that the API's authorizer trusts; `more` goes to `tokens.mint`."""
        return tokens.mint(self.emulator, self.user_pool_id, self.client_id, subject, grants, **more)

    def leave_token(self, subject: str, grants: Sequence[str], *, lifetime_seconds: int) -> None:
        """For the command line, in a file that only its owner can read, at no moment anyone else."""
        expires_at = datetime.now(UTC) + timedelta(seconds=lifetime_seconds)
        token = self.token(subject, grants, lifetime_seconds=lifetime_seconds)
        document = {"accessToken": token, "expiresAt": expires_at.isoformat(timespec="seconds").replace("+00:00", "Z")}
        unfinished = self.emulator.directory / f"{TOKEN_FILE}.tmp"
        unfinished.unlink(missing_ok=True)
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(document, file)
        unfinished.replace(self.emulator.directory / TOKEN_FILE)

    def client(self, service: str) -> Any:
        return self.emulator.client(service)

    def take_down(self) -> None:
        self.emulator.stop()
        _forget(self.emulator.directory)


def assemble(outdir: Path, context: Mapping[str, Any] | None = None) -> Path:
    """Write the local stack's cloud assembly to `outdir`."""
    synthesise(outdir, CONTEXT | dict(context or {}))
    return outdir


def bring_up(
    directory: Path,
    *,
    context: Mapping[str, Any] | None = None,
    assembly: Path | None = None,
    report: Callable[[str], None] = lambda _: None,
) -> LocalStack:
    """Start the emulator of that directory unless it runs, and create or update the stacks on it.

    `assembly` is what `assemble` has written; without it the stacks are synthesised here, with `context`.
    """
    directory.mkdir(parents=True, exist_ok=True)
    running = _running(directory, read_stack_file(directory))
    with ThreadPoolExecutor(max_workers=1) as pool:
        report("Synthesising the stacks")
        synthesis = pool.submit(lambda: assembly or assemble(directory / "cdk.out", context))
        emulator = running or _started(directory, report)
        try:
            report("Waiting for the synthesis")
            return _deployed(emulator, synthesis.result(), report)
        except BaseException:
            if running is None:
                emulator.stop()
            raise


def _started(directory: Path, report: Callable[[str], None]) -> Emulator:
    report("Starting the emulator")
    stop_leftover(directory)
    return Emulator(directory).start()


def stop_leftover(directory: Path) -> None:
    """End an emulator of that directory that no longer answers."""
    described = read_stack_file(directory)
    if described:
        Emulator(directory, port=described["port"], pid=described["pid"]).stop()
        _forget(directory)


def _forget(directory: Path) -> None:
    for file in (STACK_FILE, TOKEN_FILE):
        (directory / file).unlink(missing_ok=True)


def _deployed(emulator: Emulator, outdir: Path, report: Callable[[str], None]) -> LocalStack:
    outputs = {}
    for stack_name in (STACK, SAMPLES_STACK):
        report(f"Deploying {stack_name}")
        outputs[stack_name] = deploy(emulator, outdir, stack_name)
    api_url = outputs[STACK]["ApiUrl"]
    api_id = api_url.split("/")[-2]
    pool_id, client_id = _trusted_pool(emulator, api_id)
    local_stack = LocalStack(
        emulator=emulator,
        api_url=api_url,
        outputs=outputs[STACK],
        samples=outputs[SAMPLES_STACK],
        user_pool_id=pool_id,
        client_id=client_id,
    )
    report("Waiting for the API to answer")
    await_refusal(local_stack.api_url, emulator.client("apigatewayv2").get_routes(ApiId=api_id)["Items"])
    _describe(local_stack)
    return local_stack


def _trusted_pool(emulator: Emulator, api_id: str) -> tuple[str, str]:
    # From the authorizer, not from the outputs: a token has to name what the authorizer trusts.
    authorizers = emulator.client("apigatewayv2").get_authorizers(ApiId=api_id)["Items"]
    trusted = next(item["JwtConfiguration"] for item in authorizers if item["AuthorizerType"] == "JWT")
    return trusted["Issuer"].rstrip("/").rsplit("/", 1)[-1], trusted["Audience"][0]


def await_refusal(api_url: str, routes: Sequence[Mapping[str, Any]]) -> None:
    """Wait until a request without a token is answered with 401: then route and authorizer work."""
    method, path = next(item["RouteKey"].split(" ", 1) for item in routes if item.get("AuthorizationType") == "JWT")
    address = api_url + path.replace("{", "").replace("}", "").replace("+", "")
    with unproxied() as http:
        answer = wait_for(lambda: http.request("GET" if method == "ANY" else method, address), _is_refusal)
    if not _is_refusal(answer):
        raise SilentApiError(f"{method} {address} without a token gave {answer.status_code}: {answer.text}")


def _is_refusal(answer: httpx.Response) -> bool:
    return answer.status_code == httpx.codes.UNAUTHORIZED


def _describe(local_stack: LocalStack) -> None:
    described = {
        "apiUrl": local_stack.api_url,
        "awsEndpointUrl": local_stack.emulator.url,
        "region": REGION,
        "outputs": dict(local_stack.outputs),
        "samples": dict(local_stack.samples),
        "pid": local_stack.emulator.pid,
        "port": local_stack.emulator.port,
        "userPoolId": local_stack.user_pool_id,
        "clientId": local_stack.client_id,
    }
    file = local_stack.emulator.directory / STACK_FILE
    # Renamed into place, so that no reader ever sees half of it.
    unfinished = file.with_suffix(".tmp")
    unfinished.write_text(json.dumps(described, indent=2) + "\n")
    unfinished.replace(file)


def _running(directory: Path, described: Mapping[str, Any]) -> Emulator | None:
    if not described or not is_emulator(described["pid"]):
        return None
    emulator = Emulator(directory, port=described["port"], pid=described["pid"])
    return emulator if emulator.is_healthy() else None
