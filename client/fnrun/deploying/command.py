"""The steps of `fnrun local deploy`, in their order; each can be interrupted and repeated."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from fnrun.connection import local_stack
from fnrun.connection.profiles import LOCAL
from fnrun.connection.session import open_client
from fnrun.deploying import emulator, package, registry, source
from fnrun.errors import CommandError, Exit, UsageFault
from fnrun.output.console import note, print_json
from fnrun.shared import invocation

# The service remembers a function's code for so long: a run that starts sooner may execute what was deployed before.
REMEMBERED_SECONDS = 3.0
_RUNTIME = re.compile(r"python3\.\d{1,2}")
_OWN_RUNTIME = "import sys; print('python%d.%d' % sys.version_info[:2])"


def deploy_function(
    directory: Path,
    *,
    handler: str,
    named: str | None,
    runtime: str | None,
    variables: Sequence[str],
    env_file: Path | None,
    timeout: int | None,
    memory: int | None,
) -> None:
    source.check_handler(directory, handler)
    name = source.name_for(directory, named)
    _check_runtime(runtime)
    environment = source.environment(variables, env_file)
    # Whatever the default profile is: this is for the local stack only.
    invocation().profile = LOCAL
    stack = local_stack.found()
    python = str(local_stack.python_of(stack.checkout))
    own_runtime = _asked(python)
    if runtime and runtime != own_runtime:
        note(f"The local stack executes the function with {own_runtime}, whatever its runtime says.")
    settings = emulator.Settings(
        name=name,
        handler=handler,
        runtime=runtime,
        timeout=timeout,
        memory=memory,
        environment=environment,
    )
    with _interruptible():
        deployed = emulator.deploy(
            stack, settings, lambda: package.packaged(directory, python, report=note), own_runtime=own_runtime
        )
        with open_client() as client:
            function_id, trigger_id = registry.register(client, name, deployed.arn)
        if deployed.change == "updated":
            time.sleep(REMEMBERED_SECONDS)
    _show(deployed, name, function_id, trigger_id)


def _check_runtime(runtime: str | None) -> None:
    if runtime is not None and not _RUNTIME.fullmatch(runtime):
        raise UsageFault(
            f"The local stack runs functions in Python only, not in {runtime!r}", "name python3.X, or deploy it to AWS"
        )


def _asked(python: str) -> str:
    """The runtime of the interpreter that executes functions on the emulator."""
    return subprocess.run([python, "-c", _OWN_RUNTIME], capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603


@contextmanager
def _interruptible() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        raise CommandError(
            "Interrupted: the function may be half deployed", "the same command again", Exit.INTERRUPTED
        ) from None


def _show(deployed: emulator.Deployed, name: str, function_id: str, trigger_id: str) -> None:
    if invocation().as_json:
        document = {
            "name": name,
            "functionArn": deployed.arn,
            "change": deployed.change,
            "functionId": function_id,
            "triggerId": trigger_id,
        }
        print_json(document)
        return
    sys.stdout.write(f"The function {name} is {deployed.change}; the trigger {name} starts it.\n")
    sys.stdout.flush()
    note(f"Next: fnrun execute {name} --payload '{{}}' --wait")
