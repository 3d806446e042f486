"""What all commands share: their options, and what is known of the command that is being run."""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup

from fnrun.errors import CommandError, Exit

DEFAULT_STACK = "FunctionRerun"
"""The CloudFormation stack's name, unless an operator has chosen another."""
Function = TypeVar("Function", bound=Callable[..., Any])


class Output(StrEnum):
    TABLE = "table"
    JSON = "json"


@dataclass
class Invocation:
    """The options that every command has."""

    profile: str | None = None
    workspace: str | None = None
    output: Output = Output.TABLE
    utc: bool = False

    @property
    def as_json(self) -> bool:
        return self.output is Output.JSON


_invocation = Invocation()


def invocation() -> Invocation:
    """The command that is being run."""
    return _invocation


def begin_invocation() -> None:
    global _invocation  # noqa: PLW0603 - one process runs one command at a time
    _invocation = Invocation()


def _remember(parameter: typer.CallbackParam, value: Any) -> Any:
    if value and parameter.name:
        setattr(_invocation, parameter.name, value)
    return value


def _options_of_all(
    _profile: Annotated[
        str | None,
        typer.Option(
            "--profile", "-p", metavar="NAME", help="Which stack: see `fnrun profiles list`.", callback=_remember
        ),
    ] = None,
    _workspace: Annotated[
        str | None,
        typer.Option(
            "--workspace", "-w", metavar="NAME", help="Instead of the profile's own workspace.", callback=_remember
        ),
    ] = None,
    _output: Annotated[
        Output, typer.Option("--output", "-o", help="For people, or the API's documents.", callback=_remember)
    ] = Output.TABLE,
    _utc: Annotated[
        bool, typer.Option("--utc", help="Show times in UTC, not in local time.", callback=_remember)
    ] = False,
) -> None: ...


@functools.cache
def _shared_options() -> list[Any]:
    template = typer.Typer(add_completion=False)
    template.command()(_options_of_all)
    options = typer.main.get_command(template).params
    for option in options:
        option.name = str(option.name).removeprefix("_")
        option.expose_value = False
    return options


def _to_complete(parameters: list[Any], ctx: typer.Context) -> list[Any]:
    """Where a shell asks how a line may go on, what has been typed so far is not converted.

    Converting imports pydantic, which takes longer than all the rest of a completion.
    """
    if ctx.resilient_parsing:
        for parameter in parameters:
            parameter.process_value = _as_typed
    return parameters


def _as_typed(_ctx: object, value: Any) -> Any:
    return value


class FnrunGroup(TyperGroup):
    """Commands of one kind."""

    def get_params(self, ctx: Any) -> list[Any]:
        return _to_complete([*super().get_params(ctx)], ctx)


class FnrunCommand(TyperCommand):
    """A command with the options that every command has."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.params = [*self.params, *_shared_options()]

    def get_params(self, ctx: Any) -> list[Any]:
        return _to_complete([*super().get_params(ctx)], ctx)


class Commands(typer.Typer):
    """The commands of one module: with a `help` they are a group, else there is only one."""

    def __init__(self, help: str | None = None) -> None:  # noqa: A002 - typer's name
        is_group = help is not None
        super().__init__(
            help=help, cls=FnrunGroup, no_args_is_help=is_group, add_completion=False, rich_markup_mode=None
        )
        if is_group:
            self.callback()(_nothing)  # a group of one command is a group, too

    def command(self, *args: Any, **options: Any) -> Callable[[Function], Function]:
        return super().command(*args, **({"cls": FnrunCommand} | options))


def _nothing() -> None: ...


@contextmanager
def in_flight(what: str, *, check: str, key: str | None = None) -> Iterator[None]:
    """Around a request that changes something: where its outcome is not known, that is said, and how to find out.

    `what` completes "It is not known whether …"; `check` is how to find out. `key`: the idempotency key
    that is sent, with which the command can be given again.
    """
    look = f"look with {check}" + (f", or send it again with --idempotency-key {key}" if key else "")
    try:
        yield
    except KeyboardInterrupt:
        raise CommandError(f"Interrupted: it is not known whether {what}", look, Exit.INTERRUPTED) from None
    except Exception as error:
        from function_rerun import OutcomeUnknown  # is imported by now

        if isinstance(error, OutcomeUnknown):
            raise CommandError(
                f"It is not known whether {what}", look, Exit.UNKNOWN, request_id=error.request_id or ""
            ) from None
        raise
