"""`fnrun doctor --aws-profile` names the stack's alarms that are on."""

from typing import Any

import pytest
from botocore.exceptions import ClientError, NoCredentialsError
from fnrun.connection.aws import Target, explained
from fnrun.doctor import alarms as module
from fnrun.doctor.findings import Health
from fnrun.errors import CommandError, Exit


class CloudWatch:
    def __init__(self, *pages: list[str]) -> None:
        self.pages = pages
        self.asked: dict[str, Any] = {}

    def get_paginator(self, _name: str) -> "CloudWatch":
        return self

    def paginate(self, **asked: Any) -> list[dict[str, Any]]:
        self.asked = asked
        return [{"MetricAlarms": [{"AlarmName": name} for name in page]} for page in self.pages]


def found(monkeypatch: pytest.MonkeyPatch, *pages: list[str]) -> Any:
    cloudwatch = CloudWatch(*pages)
    monkeypatch.setattr(module, "client_of", lambda *_: cloudwatch)
    finding = module.alarms(Target("Mine", "an-operator"))
    assert cloudwatch.asked == {"StateValue": "ALARM", "AlarmNamePrefix": "Mine-"}
    return finding


def test_no_alarm_is_well(monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(monkeypatch, []).health is Health.OK


def test_alarms_are_a_fault_with_their_names(monkeypatch: pytest.MonkeyPatch) -> None:
    finding = found(monkeypatch, ["Mine-b", "Mine-a"], [f"Mine-c{number}" for number in range(9)])
    assert finding.health is Health.FAULT
    assert "Mine-a, Mine-b, Mine-c0" in finding.message
    assert "and 6 more" in finding.message


def test_what_aws_refuses_is_one_line() -> None:
    denied = ClientError({"Error": {"Code": "AccessDenied", "Message": "not you"}}, "DescribeAlarms")
    with pytest.raises(CommandError, match="AccessDenied: not you"), explained():
        raise denied
    with pytest.raises(CommandError) as raised, explained():
        raise NoCredentialsError
    assert raised.value.exit_code == Exit.NOT_REACHED
