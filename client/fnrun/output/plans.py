"""How a plan of a re-run looks: a table, what the overrides change, and what stands against it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fnrun.output.fields import print_fields
from fnrun.output.text import printable
from fnrun.output.times import moment

if TYPE_CHECKING:
    from rich.console import Console

Plan = Mapping[str, Any]


def print_plan(console: "Console", plan: Plan, *, title: str = "Plan of a re-run") -> None:
    """The `RerunPlan` of the API. Refusals are the caller's to print, with what to do about them."""
    source = plan["source"]
    console.print(f"{title} of {printable(source['runId'])}", style="bold", soft_wrap=True)
    print_fields(
        console,
        [
            ("the run", f"{source['status']} on {_version(source.get('functionVersion'))}"),
            ("function", _named(plan.get("function"), "deleted")),
            ("trigger", _trigger(plan.get("trigger"))),
            ("code", _code(plan)),
            ("today's code", _today(plan.get("code"))),
            ("executions", _executions(plan)),
            ("not before", moment(plan.get("notBefore"))),
            ("effects", _EFFECTS.get(plan["effects"], plan["effects"])),
        ],
        indent=2,
    )
    _print_changes(console, plan)


_EFFECTS = {
    "same": "same: what the run has done is not done again",
    "new": "new: whatever the function does is done again",
}


def _version(version: str | None) -> str:
    return f"version {version}" if version else "a version that is not known"


def _named(thing: Mapping[str, Any] | None, otherwise: str) -> str:
    return f"{thing['name']} ({thing['functionArn']})" if thing else otherwise


def _trigger(trigger: Mapping[str, Any] | None) -> str:
    if trigger is None:
        return "deleted"
    return f"{trigger['name']}{'' if trigger['enabled'] else ' (disabled: a re-run is executed all the same)'}"


def _code(plan: Plan) -> str | None:
    code = plan.get("code")
    if code is None:
        return None
    if code["used"] == "current":
        return "today's (--latest)"
    version = _version(plan["source"].get("functionVersion"))
    return f"{version}, which is deleted" if code["pinnedVersionExists"] is False else f"{version}, as the run"


_IS_DIFFERENT = {True: "differs", False: "is the same", None: "is not known to differ or not"}


def _today(code: Mapping[str, Any] | None) -> str | None:
    if code is None:
        return None
    differs = code.get("codeDiffers"), code.get("configurationDiffers")
    if differs == (True, True):
        return "code and configuration differ"
    if differs == (False, False):
        return "the same, configured alike"
    return f"the code {_IS_DIFFERENT[differs[0]]}, its configuration {_IS_DIFFERENT[differs[1]]}"


def _executions(plan: Plan) -> str:
    count = plan["executions"]
    if code := (plan.get("code") or {}).get("failsWith"):
        return f"none: it would end as {code}"
    if count == 0:
        return "none"
    retries = f": once, and up to {count - 1} automatic retries" if count > 1 else ""
    return f"{'at most ' if count > 1 else ''}{count}{retries}"


def _print_changes(console: "Console", plan: Plan) -> None:
    from fnrun.output.differences import print_differences

    shown, title = plan.get("changes"), "The overrides change in the parameters:"
    if shown is None:
        shown, title = (
            plan.get("set"),
            f"The overrides set (what they replace needs the grant {plan.get('changesNeed')}):",
        )
    if shown:
        console.print("  " + printable(title), style="dim", soft_wrap=True)
        print_differences(shown, indent=4, console=console)
    if plan.get("isCut"):
        console.print("    … more, or longer values, are not shown", style="dim", soft_wrap=True)
