"""A context that was narrowed, and one that is as it was."""

from handlers.domain.function_arns import InvokablePatterns
from handlers.domain.registry.trigger_sources import PermittedBuses
from tests.fakes import World

OTHER_BUS = {"eventPattern": {"source": ["aws.s3"]}, "eventBusName": "default"}
WIDE = {"acme": ["arn:aws:lambda:eu-west-1:*:function:orders-*"]}
OWN = "arn:aws:lambda:eu-west-1:123456789012:function:FunctionRerun-*"


def no_function(world: World) -> None:
    """From now on the workspace may invoke none."""
    world.invokable = InvokablePatterns({"acme": [], "globex": WIDE["acme"]}, own_functions=OWN)


def every_function(world: World) -> None:
    world.invokable = InvokablePatterns(WIDE, own_functions=OWN)


def no_bus(world: World) -> None:
    """From now on the workspace may listen to no bus but the trigger bus; another one still may."""
    world.buses = PermittedBuses({"acme": ["orders"], "globex": ["default"]})


def every_bus(world: World) -> None:
    world.buses = PermittedBuses({"acme": ["default"]})


def everything(world: World) -> tuple[object, ...]:
    return (
        dict(world.runs.runs),
        dict(world.registry.functions),
        dict(world.registry.triggers),
        list(world.queue.pushed),
        dict(world.aws.synced),
    )
