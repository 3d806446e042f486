"""The run that is debugged, as the service shows it, and why some cannot be."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fnrun.errors import CommandError, Exit

if TYPE_CHECKING:
    from function_rerun import Client


def without_content(client: "Client", run_id: str) -> dict[str, Any]:
    """The run, if there is something to debug. Opens nothing, so that the audit has no act of it."""
    run: dict[str, Any] = dict(client.get_run(run_id))
    if run["erasedAt"]:
        raise _nothing(f"What run {run_id} held is erased", "")
    if run["parametersOmitted"]:
        raise _nothing(f"Run {run_id} has no parameters: {run['parametersOmitted'].rstrip('.')}", "")
    return run


def with_content(client: "Client", run_id: str) -> dict[str, Any]:
    """The run with its parameters, and with its result and its error if all of it can be shown together."""
    from function_rerun import ApiError

    try:
        return dict(client.get_run(run_id, include=("parameters", "result", "error")))
    except ApiError as error:
        if error.code != "TOO_LARGE":
            raise
    return dict(client.get_run(run_id, include=("parameters",)))


def function_arn(client: "Client", run: dict[str, Any], *, latest: bool) -> str:
    """The ARN of the code to bring here: that of the run's own version, or of its function's current code."""
    if run["functionVersionArn"]:
        arn = str(run["functionVersionArn"])
        return arn.rpartition(":")[0] if latest else arn
    if latest:
        registered = str(client.get_function(run["functionId"])["functionArn"])
        return ":".join(registered.split(":")[:7])
    if run["functionVersion"]:  # captured
        raise _nothing(
            f"Run {run['id']} was executed by {run['functionVersion']}, and which code that was then is not recorded",
            f"fnrun debug {run['id']} --latest",
        )
    raise _nothing(
        f"Which version executes run {run['id']} is not known: it is {run['status']} and was not executed",
        f"fnrun runs watch {run['id']}, or fnrun debug {run['id']} --latest",
    )


def ignored_differences(client: "Client", run: dict[str, Any]) -> list[str]:
    """What does not count when results of its function are compared; nothing if the caller may not read that."""
    from function_rerun import ApiError

    try:
        return [*client.get_function(run["functionId"]).get("ignoreDifferences", ())]
    except ApiError:
        return []


def client_context(run: Mapping[str, Any]) -> dict[str, str]:
    """What the service tells a function of its run."""
    return {
        "functionRunId": run["id"],
        "functionRunOriginalId": run["originalRunId"] or run["id"],
        "functionRunSourceId": run["sourceRunId"] or run["id"],
        "functionRunAttempt": str(max(1, run["executionAttempts"])),
        "functionRunEffectKey": run["effectKey"],
    }


def _nothing(message: str, next_step: str) -> CommandError:
    return CommandError(message, next_step or "choose another run: fnrun runs list", Exit.NOT_WELL)
