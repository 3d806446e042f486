"""How the plan of a batch looks: what it would start, what not, and how."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from fnrun.batching import described
from fnrun.output.fields import print_fields
from fnrun.output.tables import table_lines

if TYPE_CHECKING:
    from rich.console import Console

Plan = Mapping[str, Any]
Names = Mapping[str, str]


def print_plan(console: "Console", plan: Plan, request: Plan, function_names: Names, group_names: Names) -> None:
    """`plan`: the `BatchPlanned` of the API; `request`: what was asked, as the client takes it."""
    console.print("Plan of a batch of re-runs", style="bold")
    print_fields(console, _fields(plan, request), indent=2)
    by_function = [(function_names.get(each["functionId"], each["functionId"]), each) for each in plan["byFunction"]]
    by_group = [(described.group(each["errorGroupId"], group_names), each) for each in plan["byErrorGroup"]]
    for title, counts in (("FUNCTION", by_function), ("ERROR GROUP", by_group)):
        if counts:
            console.print()
            rows = [(name, f"{each['count']:,}") for name, each in counts]
            for line in table_lines((title, "RUNS"), rows):
                console.print(" " * 2, line, sep="", soft_wrap=True)


def _fields(plan: Plan, request: Plan) -> Iterator[tuple[str, object]]:
    yield "found", found(plan, request)
    yield "re-runs", f"{plan['wouldStart']:,}{_executions(plan)}"
    yield "skipped", described.counted(plan["skipped"], described.SKIPPED)
    yield "refused", described.counted(plan["refused"])
    yield "code", described.code(request.get("use_latest_code"), request.get("function_version"))
    yield "overrides", ", ".join(_paths(request.get("override_params") or {}))
    yield from described.settings({**plan, "notBefore": request.get("not_before")})
    yield "effects", described.EFFECTS[request.get("effects") or "new"]
    if plan["estimatedSeconds"] is not None:
        yield "takes", f"about {described.span(plan['estimatedSeconds'])}, if nothing stops it"


def _paths(overrides: Mapping[str, Any]) -> Iterator[str]:
    """Which parameters, as `--set` names them. Never their values."""
    for key, value in overrides.items():
        name = key.replace(".", r"\.")
        if isinstance(value, Mapping) and value:
            yield from (f"{name}.{below}" for below in _paths(value))
        else:
            yield name


def found(plan: Plan, request: Plan) -> str:
    """`400 failed runs`, or what is known where only some were looked at."""
    if request.get("run_ids"):
        return f"{plan['sources']:,} run{'' if plan['sources'] == 1 else 's'}, as named"
    if not plan["isSample"]:
        return f"{plan['sources']:,} failed run{'' if plan['sources'] == 1 else 's'}"
    about = f"{'more than' if plan['expectedCapped'] else 'about'} {plan['expectedSources']:,}"
    return f"{about} failed runs; what follows is about the newest {plan['sources']:,}"


def _executions(plan: Plan) -> str:
    most, count = plan["executionsPerRerun"], plan["wouldStart"]
    return f", executed at most {most * count:,} times with their automatic retries" if most > 1 and count else ""
