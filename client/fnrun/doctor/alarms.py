"""The stack's alarms, with an operator's own AWS credentials."""

from typing import Any

from fnrun.connection.aws import Target, client_of, explained
from fnrun.doctor.findings import Finding, fault, ok

_SHOWN = 5


def alarms(target: Target) -> Finding:
    """Those that have fired. Raises CommandError if AWS does not answer."""
    with explained("The alarms cannot be read"):
        pages = client_of(target, "cloudwatch").get_paginator("describe_alarms")
        found: list[dict[str, Any]] = [
            alarm
            for page in pages.paginate(StateValue="ALARM", AlarmNamePrefix=f"{target.stack}-")
            for alarm in page["MetricAlarms"]
        ]
    if not found:
        return ok("alarms", f"No alarm of {target.stack} is on")
    names = ", ".join(sorted(alarm["AlarmName"] for alarm in found)[:_SHOWN])
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return fault("alarms", f"On are {names}{more}", "docs/how-to/operate.md says for each what to do")
