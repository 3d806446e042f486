"""Entities of the domain as the API shows them."""

from functools import singledispatch
from typing import Any

from handlers.api.functions import FunctionView
from handlers.api.runs import RerunHistory, RunView
from handlers.api.triggers import TriggerView
from handlers.domain.registry.entities import ComputeFunction
from handlers.domain.registry.triggers import ShownTrigger
from handlers.domain.runs.history import Lineage
from handlers.domain.runs.run import FunctionRun


@singledispatch
def as_shown(entity: Any) -> dict[str, Any]:
    raise TypeError(type(entity))


@as_shown.register
def _(run: FunctionRun) -> dict[str, Any]:
    return RunView.of(run).document()


@as_shown.register
def _(function: ComputeFunction) -> dict[str, Any]:
    return FunctionView.model_validate(function).document()


@as_shown.register
def _(trigger: ShownTrigger) -> dict[str, Any]:
    return TriggerView.showing(trigger).document()


@as_shown.register
def _(lineage: Lineage) -> dict[str, Any]:
    return RerunHistory.of(lineage).document()
