"""Addresses in AWS's console."""

import webbrowser
from pathlib import Path

import pytest
from fnrun.connection import local_stack
from fnrun.errors import CommandError, Exit
from fnrun.links import FunctionVersion, region_of_api, request_id_in, trace_id_in

from tests.client.cli import Fnrun
from tests.client.server import Api

REQUEST = "8f507cfc-xmpl-4697-b07a-ac58fc914c95".replace("xmpl", "0a1b")
TRACE = "1-5e1b4151-43a0913a12345678901234567"[:35]
REPORT = f"START RequestId: {REQUEST} Version: 7\nhello\nREPORT RequestId: {REQUEST}\tDuration: 3 ms\tXRAY TraceId: {TRACE}\tSegmentId: 07f022d452ab9dd1"


@pytest.mark.parametrize(
    ("partition", "region", "console"),
    [
        ("aws", "eu-west-1", "https://eu-west-1.console.aws.amazon.com/"),
        ("aws-cn", "cn-north-1", "https://cn-north-1.console.amazonaws.cn/"),
        ("aws-us-gov", "us-gov-west-1", "https://console.amazonaws-us-gov.com/"),
    ],
)
def test_each_partition_has_a_console_of_its_own(partition: str, region: str, console: str) -> None:
    version = FunctionVersion.of(f"arn:{partition}:lambda:{region}:123456789012:function:orders:7")
    assert version.page == f"{console}lambda/home?region={region}#/functions/orders/versions/7?tab=code"
    assert version.trace(TRACE).startswith(console)


def test_a_partition_without_one_is_said() -> None:
    with pytest.raises(CommandError, match="aws-iso"):
        FunctionVersion.of("arn:aws-iso:lambda:us-iso-east-1:123456789012:function:orders:7")


def test_a_log_is_that_of_a_time_or_of_one_request() -> None:
    version = FunctionVersion.of("arn:aws:lambda:eu-west-1:123456789012:function:orders:7")
    page = "https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#logsV2:log-groups/log-group/"
    of_time = version.logs(begin_ms=1, end_ms=2)
    assert of_time == f"{page}$252Faws$252Flambda$252Forders/log-events$3Fstart$3D1$26end$3D2"
    of_request = version.logs(begin_ms=1, end_ms=2, group="mine", request_id=REQUEST)
    assert of_request == f"{page}mine/log-events$3FfilterPattern$3D$2522{REQUEST}$2522$26start$3D1$26end$3D2"


def test_lambda_s_report_names_request_and_trace() -> None:
    assert (request_id_in(REPORT), trace_id_in(REPORT)) == (REQUEST, TRACE)
    assert (request_id_in("hello"), trace_id_in("XRAY TraceId: x")) == (None, None)


def test_a_region_is_read_from_the_url_of_api_gateway() -> None:
    assert region_of_api("https://abc123.execute-api.eu-west-1.amazonaws.com") == "eu-west-1"
    assert region_of_api("https://abc123.execute-api.cn-north-1.amazonaws.com.cn") == "cn-north-1"
    assert region_of_api("https://api.example.com") is None


class TestOpen:
    @pytest.fixture(autouse=True)
    def called(self, api: Api, fnrun: Fnrun, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(local_stack, "checkouts", lambda: iter([Path.cwd()]))
        monkeypatch.setenv("FNRUN_URL", api.url)
        monkeypatch.setenv("FNRUN_WORKSPACE", "acme")
        monkeypatch.setenv("FNRUN_TOKEN", api.token())

    def test_addresses_are_printed_and_nothing_is_revealed(self, fnrun: Fnrun, api: Api) -> None:
        [run] = api.world.runs.runs
        answer = fnrun("open", run, "--print", "-o", "json")
        assert answer.code == Exit.DONE, answer.stderr
        assert set(answer.document) == {"logs", "version", "trace"}
        assert answer.document["trace"] is None
        assert "/versions/" in answer.document["version"]
        assert [each.query for each in api.requests] == [""]
        assert "logs     https://" in fnrun("open", run, "--print").stdout

    def test_the_browser_gets_one_of_them(self, fnrun: Fnrun, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
        opened: list[str] = []
        monkeypatch.setattr(webbrowser, "open", opened.append)
        [run] = api.world.runs.runs
        assert fnrun("open", run, "--view", "version").code == Exit.DONE
        assert [page for page in opened if "/lambda/home" in page] == opened != []

    def test_a_trace_is_looked_for_only_where_the_log_may_be_revealed(self, fnrun: Fnrun, api: Api) -> None:
        [run] = api.world.runs.runs
        answer = fnrun("open", run, "--view", "trace")
        assert answer.code == Exit.REFUSED
        assert "add --logs, which reveals its log" in answer.stderr
        assert [each.query for each in api.requests] == [""]
        fnrun("open", run, "--view", "trace", "--logs")
        assert api.requests[-1].query == "include=logs"

    def test_the_local_stack_has_no_console(self, fnrun: Fnrun, checkout: Path) -> None:
        answer = fnrun("open", "11111111-1111-4111-8111-111111111111", "--profile", "local")
        assert answer.code == Exit.REFUSED
        assert "fnrun runs show" in answer.stderr
