"""Addresses in AWS's console, of all partitions that have one."""

import re
from dataclasses import dataclass
from typing import Self
from urllib.parse import quote

from fnrun.errors import CommandError

_CONSOLES = {
    "aws": "https://{region}.console.aws.amazon.com",
    "aws-cn": "https://{region}.console.amazonaws.cn",
    "aws-us-gov": "https://console.amazonaws-us-gov.com",
}
_API = re.compile(r"https://[a-z0-9]+\.execute-api\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?(?:/.*)?")
_REQUEST = re.compile(r"^(?:START|END|REPORT) RequestId: (?P<id>[0-9a-f-]{36})", re.MULTILINE)
_TRACE = re.compile(r"\bXRAY TraceId: (?P<id>1-[0-9a-f]{8}-[0-9a-f]{24})\b")


def region_of_api(url: str) -> str | None:
    """None of a domain of one's own."""
    found = _API.fullmatch(url)
    return found["region"] if found else None


@dataclass(frozen=True)
class FunctionVersion:
    partition: str
    region: str
    name: str
    version: str | None

    @classmethod
    def of(cls, arn: str) -> Self:
        """`arn:aws:lambda:eu-west-1:123456789012:function:orders:7`. Raises CommandError where there is no console."""
        _, partition, _, region, _, _, name, *version = arn.split(":")
        if partition not in _CONSOLES:
            raise CommandError(f"No console is known for AWS's partition {partition}", "open it by hand")
        return cls(partition, region, name, version[0] if version else None)

    @property
    def page(self) -> str:
        version = f"/versions/{self.version}" if self.version else ""
        return f"{self._console}/lambda/home?region={self.region}#/functions/{self.name}{version}?tab=code"

    @property
    def log_group(self) -> str:
        """Unless its configuration names another one."""
        return f"/aws/lambda/{self.name}"

    def logs(self, *, begin_ms: int, end_ms: int, group: str | None = None, request_id: str | None = None) -> str:
        """What its group has of that time, or of one request."""
        pattern = f"$3FfilterPattern$3D{_twice(chr(34) + request_id + chr(34))}$26" if request_id else "$3F"
        return (
            f"{self._console}/cloudwatch/home?region={self.region}#logsV2:log-groups/log-group/"
            f"{_twice(group or self.log_group)}/log-events{pattern}start$3D{begin_ms}$26end$3D{end_ms}"
        )

    def trace(self, trace_id: str) -> str:
        return f"{self._console}/cloudwatch/home?region={self.region}#xray:traces/{trace_id}"

    @property
    def _console(self) -> str:
        return _CONSOLES[self.partition].format(region=self.region)


def request_id_in(log: str) -> str | None:
    found = _REQUEST.search(log)
    return found["id"] if found else None


def trace_id_in(log: str) -> str | None:
    """Where the function's tracing is active, Lambda's REPORT line names it."""
    found = _TRACE.search(log)
    return found["id"] if found else None


def _twice(text: str) -> str:
    """As CloudWatch's pages take what stands behind the #: percent-encoded twice, with $ for %."""
    return quote(quote(text, safe=""), safe="").replace("%", "$")
