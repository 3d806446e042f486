"""EventBridge: buses, rules, targets and events that it refuses."""

import functools
import json
import re
from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import eventbridge

from infra.local.emulator.corrections.api_models import violation
from infra.local.emulator.corrections.rewriting import EmulatorChanged, refuse_first, require, rewrite_function

MAX_TARGETS = 5
MAX_ENTRIES_BYTES = 1024 * 1024
_CHECKED = {
    "DeleteEventBus": "_delete_event_bus",
    "PutRule": "_put_rule",
    "DeleteRule": "_delete_rule",
    "PutTargets": "_put_targets",
    "RemoveTargets": "_remove_targets",
    "TestEventPattern": "_test_event_pattern",
    "PutEvents": "_put_events",
}


def names_of_rules_may_be_anything() -> None:
    """And everything else that the API's model limits: the number of entries, the length of a pattern or a template."""
    require("names of rules may be anything", eventbridge._put_rule, "if not name:\n        return error_response_json")  # noqa: SLF001
    for operation, name in _CHECKED.items():
        refuse_first(eventbridge, name, functools.partial(_refusal_by_model, operation))


def _refusal_by_model(operation: str, data: dict[str, Any], **_: Any) -> Any:
    problem = violation("events", operation, data)
    return problem and error_response_json("ValidationException", problem, 400)


def a_bus_is_deleted_with_its_rules() -> None:
    """The sentence: https://github.com/hashicorp/terraform-provider-aws/issues/22131."""
    _refuse(
        "a bus is deleted with its rules",
        "_delete_event_bus",
        before="    bus = _event_buses.pop(name, None)\n",
        when='any(rule.get("EventBusName") == name for rule in _rules.values())',
        sentence="EventBus can't be deleted since it has rules.",
    )


def a_rule_is_deleted_with_its_targets() -> None:
    """The sentence: https://github.com/getmoto/moto/pull/5056."""
    _refuse(
        "a rule is deleted with its targets",
        "_delete_rule",
        before="    rule = _rules.pop(key, None)\n",
        when="_targets.get(key)",
        sentence="Rule can't be deleted since it has targets.",
    )


def a_rule_without_pattern_and_schedule_is_taken() -> None:
    """https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html: it needs one of both."""
    _refuse(
        "a rule without pattern and schedule is taken",
        "_put_rule",
        before='    schedule = data.get("ScheduleExpression", "")\n',
        when='not data.get("EventPattern") and not data.get("ScheduleExpression")',
        sentence="Parameter(s) EventPattern or ScheduleExpression must be specified.",
    )


def a_rule_has_any_rate() -> None:
    """1 has a singular unit: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html."""
    if eventbridge._RATE_RE.pattern != r"^rate\(\d+\s+(minute|minutes|hour|hours|day|days)\)$":  # noqa: SLF001
        raise EmulatorChanged("a rule has any rate")
    eventbridge._RATE_RE = re.compile(r"^rate\((1 (minute|hour|day)|(?!1 )[1-9]\d* (minutes|hours|days))\)$")  # noqa: SLF001


def a_rule_takes_any_number_of_targets() -> None:
    """https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html: five."""
    _refuse(
        "a rule takes any number of targets",
        "_put_targets",
        before="    existing_ids = ",
        when=f'len({{t["Id"] for t in [*_targets[key], *targets]}}) > {MAX_TARGETS}',
        code="LimitExceededException",
        sentence="The requested resource exceeds the maximum number allowed.",
    )


def targets_of_no_rule_are_removed() -> None:
    """https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_RemoveTargets.html: ResourceNotFoundException."""
    _refuse(
        "targets of no rule are removed",
        "_remove_targets",
        before="    if key in _targets:\n",
        when="key not in _rules",
        code="ResourceNotFoundException",
        sentence="Rule {rule_name} does not exist on EventBus {bus}.",
    )


def _refuse(
    defect: str, function: str, *, before: str, when: str, sentence: str, code: str = "ValidationException"
) -> None:
    """Put a refusal before a line of the function; `when` and the braces of `sentence` may use its variables."""
    refusal = f"    if {when}:\n        return error_response_json({code!r}, f{sentence!r}, 400)\n"
    rewrite_function(defect, eventbridge, function, {before: refusal + before})


def an_event_may_be_anything() -> None:
    """An invalid entry fails alone; a request of too many bytes is refused as a whole.

    https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsResultEntry.html, and what AWS answered
    when the tests of https://github.com/localstack/localstack/pull/11990 were made. A bus that does not exist is no
    error: https://github.com/aws/aws-cli/issues/9186.
    """
    vars(eventbridge)["refusal_of_entry"] = refusal_of_entry
    after = "        event_time = int(_now_ts())\n"
    rewrite_function(
        "an event may be anything",
        eventbridge,
        "_put_events",
        {
            after: after + "        if refused := refusal_of_entry(entry):\n"
            "            results.append(refused)\n"
            "            failed += 1\n"
            "            continue\n"
        },
    )
    refuse_first(eventbridge, "_put_events", _refusal_of_entries)


def _refusal_of_entries(data: dict[str, Any], **_: Any) -> Any:
    if sum(map(_size_of, data.get("Entries", []))) <= MAX_ENTRIES_BYTES:
        return None
    problem = "Total size of the entries in the request is over the limit."
    return error_response_json("ValidationException", problem, 400)


def refusal_of_entry(entry: dict[str, Any]) -> dict[str, str] | None:
    for name in ("Source", "DetailType", "Detail"):
        if not entry.get(name):
            reason = f"Parameter {name} is not valid. Reason: {name} is a required argument."
            return {"ErrorCode": "InvalidArgument", "ErrorMessage": reason}
    if not _is_json_object(entry["Detail"]):
        return {"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."}
    return None


def _is_json_object(text: str) -> bool:
    def refuse(constant: str) -> None:
        raise ValueError(constant)

    try:
        return isinstance(json.loads(text, parse_constant=refuse), dict)
    except (ValueError, RecursionError):
        return False


def _size_of(entry: dict[str, Any]) -> int:
    """https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html#eb-putevent-size."""
    texts = [entry.get("Source"), entry.get("DetailType"), entry.get("Detail"), *(entry.get("Resources") or [])]
    return sum(len(text.encode("utf-8", "surrogatepass")) for text in texts if text) + (14 if entry.get("Time") else 0)
