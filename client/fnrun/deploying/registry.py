"""The service's side: the function under a name in the workspace, and a trigger that starts it on demand."""

from typing import TYPE_CHECKING, Any, Literal

from fnrun.errors import CommandError

if TYPE_CHECKING:
    from function_rerun import Client

NAME_TAKEN = "NAME_TAKEN"
ON_DEMAND: Literal["on-demand"] = "on-demand"


def register(client: "Client", name: str, arn: str) -> tuple[str, str]:
    """The ids of the compute function and of the trigger; what is there already is kept."""
    from function_rerun import ApiError

    try:
        function: Any = client.register_function(name=name, function_arn=arn)
    except ApiError as refused:
        if refused.code != NAME_TAKEN:
            raise
        function = _named(client.list_functions(), name)
        if function["functionArn"] != arn:
            raise CommandError(
                f"The workspace has another compute function named {name!r}", "add another --name"
            ) from None
    try:
        trigger: Any = client.create_trigger(name=name, function_id=function["id"], execution_type=ON_DEMAND)
    except ApiError as refused:
        if refused.code != NAME_TAKEN:
            raise
        trigger = _named(client.list_triggers(), name)
        if (trigger["functionId"], trigger["executionType"]) != (function["id"], ON_DEMAND):
            raise CommandError(
                f"The workspace has another trigger named {name!r}",
                f"fnrun triggers show {name}, or add another --name",
            ) from None
    return function["id"], trigger["id"]


def _named(listed: Any, name: str) -> Any:
    found = next((each for each in listed if each["name"] == name), None)
    if found is None:  # deleted since its name was refused
        raise CommandError(f"{name!r} was deleted a moment ago", "deploy again")
    return found
