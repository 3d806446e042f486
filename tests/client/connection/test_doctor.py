"""`fnrun doctor` says what is wrong, and what to do."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from fnrun.connection import http, local_stack
from fnrun.doctor import checks
from fnrun.doctor.needs import NEEDS
from fnrun.errors import Exit

from handlers import api_openapi
from handlers.api.catalogue import OPERATIONS
from handlers.api.description import ApiDescription
from handlers.api.openapi import Login, openapi
from handlers.api.operations import Grant
from handlers.domain.runs.run import Status
from tests.client.cli import Ended, Fnrun
from tests.client.server import Api

ISSUER = "https://issuer.example.com"


@pytest.fixture(autouse=True)
def url(api: Api, fnrun: Fnrun, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(local_stack, "checkouts", lambda: iter([Path.cwd()]))
    monkeypatch.setenv("FNRUN_URL", api.url)
    monkeypatch.setenv("FNRUN_WORKSPACE", "acme")
    monkeypatch.setenv("FNRUN_TOKEN", api.token("alice", "acme/*:*", iss=ISSUER, client_id="a-client"))
    return api.url


def said(answer: Ended) -> dict[str, tuple[str, str]]:
    """Status and message, by what was looked at; of several, the last."""
    return {each["check"]: (each["status"], each["message"]) for each in answer.document}


def test_a_stack_that_is_well_and_a_token_that_is_good(fnrun: Fnrun) -> None:
    answer = fnrun("doctor")
    assert answer.code == Exit.DONE, answer.stdout
    lines = answer.stdout.splitlines()
    assert [line for line in lines if not line.startswith("ok ")] == []
    assert "answers, version" in lines[0]
    assert "for alice; valid until" in answer.stdout


def test_a_stack_that_is_not_there(fnrun: Fnrun, api: Api) -> None:
    api.stop()
    answer = fnrun("doctor", "--output", "json")
    assert answer.code == Exit.NOT_WELL
    assert said(answer)["stack"][0] == "fault"
    assert all(each.get("next") for each in answer.document)


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"iss": "https://other.example.com"}, "its issuer is https://other.example.com"),
        ({"lives_for": -10}, "it expired at"),
        ({"token_use": "id"}, "it is an ID token"),
    ],
)
def test_a_token_that_is_refused_is_explained(
    fnrun: Fnrun, api: Api, monkeypatch: pytest.MonkeyPatch, claims: dict[str, Any], reason: str
) -> None:
    described: dict[str, Any] = {"iss": ISSUER, "lives_for": -10} | claims
    token = api.token("alice", **described)
    monkeypatch.setenv("FNRUN_TOKEN", token)
    answer = fnrun("doctor")
    assert answer.code == Exit.NOT_WELL
    # What has expired is refused before the doctor can say more.
    assert reason in answer.stdout
    assert token not in answer.stdout + answer.stderr


def test_a_clock_that_is_wrong_is_said(fnrun: Fnrun, monkeypatch: pytest.MonkeyPatch) -> None:
    send = http.send
    late = format_datetime(datetime.now(UTC) + timedelta(minutes=10), usegmt=True)

    def sent(*args: Any, **options: Any) -> httpx.Response:
        answer = send(*args, **options)
        answer.headers["date"] = late
        return answer

    monkeypatch.setattr(checks, "send", sent)
    answer = fnrun("doctor", "--output", "json")
    assert answer.code == Exit.DONE
    assert said(answer)["clock"][0] == "warning"
    assert "slow" in said(answer)["clock"][1]


class TestGrants:
    @pytest.fixture(autouse=True)
    def reader(self, api: Api, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("FNRUN_TOKEN", api.token("bob", "acme/function-runs:read", iss=ISSUER))

    def test_what_one_may_is_said_and_what_not(self, fnrun: Fnrun) -> None:
        answer = fnrun("doctor")
        assert answer.code == Exit.DONE
        assert "In acme: runs, history, compare, open, errors." in answer.stdout
        assert "Not in acme: execute, rerun" in answer.stdout

    def test_one_command_is_permitted_or_a_fault(self, fnrun: Fnrun) -> None:
        assert fnrun("doctor", "--can", "history").code == Exit.DONE
        answer = fnrun("doctor", "--can", "rerun")
        assert answer.code == Exit.NOT_WELL
        assert "rerun needs acme/function-triggers:execute" in answer.stdout
        assert "fnrun admin grant" in answer.stdout
        assert fnrun("doctor", "--can", "fly").code == Exit.USAGE

    def test_another_workspace_is_another_s(self, fnrun: Fnrun) -> None:
        answer = fnrun("doctor", "--workspace", "other")
        assert answer.code == Exit.NOT_WELL
        assert "no grant for the workspace other" in answer.stdout

    def test_the_commands_need_every_grant_of_the_api(self) -> None:
        grants = {str(each.access) for each in OPERATIONS if isinstance(each.access, Grant)}
        revealing = {str(each.reveals.grant) for each in OPERATIONS if each.reveals}
        assert {need for needs in NEEDS.values() for need in needs} == grants | revealing


class TestRuns:
    @pytest.mark.parametrize(("waits", "health"), [(11, "warning"), (5, "ok")])
    def test_those_that_wait_for_long_are_counted(self, fnrun: Fnrun, api: Api, waits: int, health: str) -> None:
        created = datetime.now(UTC) - timedelta(minutes=waits)
        self._keep(api, created_at=created)
        assert said(fnrun("doctor", "--output", "json"))["runs"][0] == health

    def test_those_that_are_for_later_do_not_wait(self, fnrun: Fnrun, api: Api) -> None:
        now = datetime.now(UTC)
        self._keep(api, created_at=now - timedelta(hours=1), not_before=now + timedelta(hours=1))
        assert said(fnrun("doctor", "--output", "json"))["runs"][0] == "ok"

    @staticmethod
    def _keep(api: Api, **times: datetime) -> None:
        [run] = api.world.runs.runs.values()
        api.world.runs.runs[run.id] = run.evolve(status=Status.PENDING, **times)


def test_a_local_stack_s_emulator_is_looked_at(fnrun: Fnrun, checkout: Path) -> None:
    answer = fnrun("doctor", "--profile", "local", "--output", "json")
    assert answer.code == Exit.NOT_WELL
    assert said(answer)["local stack"][0] == "fault"
    assert "fnrun local up" in answer.document[0]["next"]


def test_an_api_of_another_kind_is_no_stack(fnrun: Fnrun, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    described = ApiDescription.model_validate(openapi(Login(api.url, ISSUER)) | {"components": {}})
    monkeypatch.setattr(api_openapi, "described", lambda: described)
    assert "is not the API of Function Re-run" in fnrun("doctor").stdout
