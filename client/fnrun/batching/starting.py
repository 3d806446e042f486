"""Start a batch: its plan is shown first, and asked about."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from fnrun import lookup
from fnrun.batching.plans import found, print_plan
from fnrun.batching.watching import watch_batch
from fnrun.errors import CommandError
from fnrun.output import console
from fnrun.output.ask import confirm
from fnrun.recent import remember_ids
from fnrun.shared import in_flight, invocation

if TYPE_CHECKING:
    from function_rerun import Client

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Options:
    plan_only: bool
    yes: bool
    wait: bool
    timeout_seconds: float | None
    idempotency_key: str | None


def start_planned(client: "Client", request: Document, options: Options) -> None:
    """`request`: arguments of the client's method. Raises CommandError, also where it ends otherwise than well."""
    plan: Document = client.start_rerun_batch(**request, dry_run=True)
    _show(client, plan, request, options)
    if not plan["sources"]:
        console.note("No failed run that is not recovered matches. Next: fnrun runs list --not-recovered")
    if options.plan_only:
        return
    # Under a key, the same request may have been accepted before: then its runs are being re-run by now.
    if not plan["wouldStart"] and not plan["isSample"] and options.idempotency_key is None:
        _check_nothing_is_refused(plan, request)
        if plan["sources"]:
            console.note("Nothing is left to re-run, and nothing was started.")
        if invocation().as_json:
            console.print_json(plan)
        return
    confirm(_question(plan), yes=options.yes)
    key = options.idempotency_key or str(uuid4())
    with in_flight("a batch was started", check="fnrun batch list", key=key):
        accepted: Document = client.start_rerun_batch(**request, idempotency_key=key)
    batch_id = accepted["batchId"]
    remember_ids(lookup.place(), "batches", {batch_id: f"{accepted['state']} {request['reason']}"})
    if options.wait:
        console.note(f"{batch_id} is the batch")
        watch_batch(batch_id, timeout_seconds=options.timeout_seconds)
    elif invocation().as_json:
        console.print_json(accepted)
    else:
        console.stdout().print(batch_id, soft_wrap=True)
        console.note(f"It is on its way: fnrun batch watch {batch_id}")


def _show(client: "Client", plan: Document, request: Document, options: Options) -> None:
    if invocation().as_json:
        if options.plan_only:
            console.print_json(plan)
        if options.plan_only or options.yes:
            return
    target = console.stdout() if options.plan_only else console.stderr()
    print_plan(target, plan, request, lookup.function_names(client), lookup.group_names())


def _check_nothing_is_refused(plan: Document, request: Document) -> None:
    if count := sum(plan["refused"].values()):
        codes = ", ".join(sorted(plan["refused"]))
        raise CommandError(
            f"Nothing can be started: of {found(plan, request)}, {count:,} would be refused ({codes})",
            "fnrun rerun RUN --plan says of one what stands against it",
        )


def _question(plan: Document) -> str:
    if plan["isSample"]:
        return "Start it?"
    count = plan["wouldStart"]
    return f"Start these {count:,} re-runs?" if count > 1 else "Start this one re-run?"
