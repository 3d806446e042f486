"""What `fnrun triggers add` has for each kind of trigger, as the API takes it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from fnrun.errors import UsageFault
from fnrun.inputs.instants import coming_moment, parse_duration
from fnrun.inputs.json_values import read_object

ON_DEMAND, SCHEDULED, EVENT_DRIVEN, HTTP = "on-demand", "scheduled", "event-driven", "http-trigger"

_OPTIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        SCHEDULED: ("cron", "rate", "at", "timezone"),
        EVENT_DRIVEN: ("event-pattern", "bus"),
        HTTP: ("path", "signature", "raw-body"),
    }
)
Options = Mapping[str, Any]
"""By their names without dashes; None or False: not typed."""


def execution_type(named: str | None, options: Options) -> str:
    """As named, or as the options say. Raises UsageFault if they do not fit."""
    typed = {kind: each for kind, names in _OPTIONS.items() for each in names if options[each]}
    if named is None:
        if len(typed) > 1:
            one, other = list(typed.values())[:2]
            raise UsageFault(f"--{one} and --{other} are for different types of triggers", "add a trigger for each")
        return next(iter(typed), ON_DEMAND)
    for kind, option in typed.items():
        if kind != named:
            raise UsageFault(f"--{option} is for {kind}, not for {named}", f"leave it out, or say --type {kind}")
    return named


def trigger_metadata(kind: str, options: Options, params: str | None) -> dict[str, Any]:
    """Raises UsageFault."""
    made = {SCHEDULED: _schedule, EVENT_DRIVEN: _event, HTTP: _webhook}.get(kind, lambda _: {})(options)
    if params is not None:
        made["params"] = read_object(params, option="--params")
    return made


def _schedule(options: Options) -> dict[str, Any]:
    typed = [each for each in ("cron", "rate", "at") if options[each]]
    if len(typed) != 1:
        raise UsageFault("A schedule is one of --cron, --rate and --at", "say when: --rate 1h")
    if options["timezone"] and not options["cron"]:
        raise UsageFault("--timezone is of --cron only", "leave it out; --at may have an offset")
    if options["rate"]:
        seconds = parse_duration(options["rate"], option="--rate")
        return {"scheduleType": "interval", "interval": int(seconds) if seconds.is_integer() else seconds}
    if options["at"]:
        return {"scheduleType": "once", "at": coming_moment(options["at"], option="--at")}
    cron = options["cron"].removeprefix("cron(").removesuffix(")")
    zone = {"timezone": options["timezone"]} if options["timezone"] else {}
    return {"scheduleType": "cron", "cronExpression": cron, **zone}


def _event(options: Options) -> dict[str, Any]:
    if not options["event-pattern"]:
        raise UsageFault("An event-driven trigger needs a pattern", """add --event-pattern '{"source": ["shop"]}'""")
    bus = {"eventBusName": options["bus"]} if options["bus"] else {}
    return {"eventPattern": read_object(options["event-pattern"], option="--event-pattern"), **bus}


def _webhook(options: Options) -> dict[str, Any]:
    if not options["path"]:
        raise UsageFault("A webhook needs a path", "add --path shop/orders")
    made = {"path": options["path"].strip("/")}
    if options["signature"]:
        made["signature"] = options["signature"]
    return made | ({"rawBody": True} if options["raw-body"] else {})


def retry_policy(options: Mapping[str, Any]) -> dict[str, Any] | None:
    """By the names of options; None if nothing was typed. Raises UsageFault."""
    typed = [name for name, value in options.items() if value not in (None, False, [])]
    if not typed:
        return None
    if options["retries"] is None:
        raise UsageFault(f"--{typed[0]} says nothing without --retries", "add --retries 3")
    seconds = {
        name: parse_duration(options[name], option=f"--{name}")
        for name in ("retry-delay", "retry-max-delay")
        if options[name]
    }
    made = {
        "maxRetries": options["retries"],
        "initialDelaySeconds": int(seconds["retry-delay"]) if "retry-delay" in seconds else None,
        "backoffRate": options["retry-backoff"],
        "maxDelaySeconds": int(seconds["retry-max-delay"]) if "retry-max-delay" in seconds else None,
        "jitter": options["retry-jitter"],
        "nonRetryableErrors": options["retry-not"] or None,
        "retryManualReruns": options["retry-manual-reruns"] or None,
    }
    return {name: value for name, value in made.items() if value is not None}
