"""The command lines that call a function in AWS's image of its runtime, which emulates Lambda's runtime API.

https://docs.aws.amazon.com/lambda/latest/dg/images-test.html
"""

import base64
import json
import re
import shlex
from collections.abc import Mapping
from pathlib import Path

from fnrun.debugging.function_version import FunctionVersion
from fnrun.errors import CommandError, Exit

PORT = 9000
_RUNTIME = re.compile(r"(python|nodejs|java|ruby|dotnet|provided)(?:\.?(.+?))?(?:\.x)?")


def docker_lines(
    version: FunctionVersion,
    *,
    code: Path,
    layers: Path,
    event: Path,
    custom: Mapping[str, str],
    env_file: Path | None = None,
) -> tuple[str, str]:
    """The line that starts the function, and the one that sends it the parameters. Neither holds any of them."""
    options = [f"--publish=127.0.0.1:{PORT}:8080", f"--platform={_platform(version)}"]
    options += [f"--volume={code}:/var/task:ro"]
    if version.layer_arns:
        options.append(f"--volume={layers}:/opt:ro")
    if version.runtime.startswith("provided"):
        options.append(f"--volume={code}:/var/runtime:ro")  # where its image looks for the bootstrap
    if env_file:
        options.append(f"--env-file={env_file}")
    options += [
        f"--env=AWS_LAMBDA_FUNCTION_TIMEOUT={version.timeout_seconds}",
        f"--env=AWS_LAMBDA_FUNCTION_MEMORY_SIZE={version.memory_mb}",
        f"--env=AWS_LAMBDA_FUNCTION_NAME={version.name}",
        f"--env=AWS_REGION={version.region}",
    ]
    start = shlex.join(["docker", "run", "--rm", *options, image_of(version.runtime), version.handler])
    context = base64.b64encode(json.dumps({"custom": dict(custom)}).encode()).decode()
    address = f"http://127.0.0.1:{PORT}/2015-03-31/functions/function/invocations"
    send = shlex.join(["curl", "-s", "-H", f"X-Amz-Client-Context: {context}", "--data-binary", f"@{event}", address])
    return start, send


def image_of(runtime: str) -> str:
    found = _RUNTIME.fullmatch(runtime)
    if found is None:
        raise CommandError(f"There is no image for the runtime {runtime}", "use --no-run", Exit.NOT_WELL)
    return f"public.ecr.aws/lambda/{found[1]}:{found[2] or 'latest'}"


def _platform(version: FunctionVersion) -> str:
    return "linux/arm64" if version.architecture == "arm64" else "linux/amd64"
