"""Which stack a command calls, and with whose token."""

import json
import os
import stat
import sys
from pathlib import Path

import httpx
import pytest
from fnrun.connection import local_stack, token_store
from fnrun.connection.profiles import Profile, Profiles
from fnrun.connection.session import Session, current
from fnrun.connection.token_store import Tokens, key_of
from fnrun.errors import CommandError, Exit
from fnrun.failures import explained
from fnrun.shared import begin_invocation, invocation
from function_rerun import TokenUnavailable

from tests.client.connection.conftest import MakeToken

URL = "https://api.example.com"


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FNRUN_CONFIG_DIR", str(tmp_path / "config"))
    for name in ("URL", "TOKEN", "PROFILE", "WORKSPACE"):
        monkeypatch.delenv(f"FNRUN_{name}", raising=False)
    monkeypatch.setattr(local_stack, "checkouts", lambda: iter([Path.cwd(), *Path.cwd().parents]))
    monkeypatch.chdir(tmp_path)
    begin_invocation()


def keep(name: str, url: str, token: str, *, workspace: str | None = None) -> None:
    Profiles.load().with_profile(name, Profile(url, workspace)).save()
    token_store.write(key_of(name, url), Tokens(token, "https://issuer", "client", "https://issuer/token"))


def sent_by(session: Session, *statuses: int) -> list[str]:
    """The Authorization headers of one request, which is answered with these statuses."""
    seen, left = [], list(statuses or (200,))

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["Authorization"].removeprefix("Bearer "))
        return httpx.Response(left.pop(0))

    with httpx.Client(transport=httpx.MockTransport(answer), auth=session.auth) as client:
        client.get(session.url)
    return seen


def test_where_nothing_is_known_it_says_how_to_begin() -> None:
    with pytest.raises(CommandError, match="No stack is known") as raised:
        current()
    assert "fnrun login" in raised.value.next_step
    assert raised.value.exit_code == Exit.NOT_PERMITTED


def test_the_local_stack_is_found_from_any_folder_of_the_checkout(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (checkout / "docs").mkdir()
    monkeypatch.chdir(checkout / "docs")
    session = current()
    kept = json.loads((checkout / ".local" / "token.json").read_text())["accessToken"]
    assert (session.profile, session.workspace, session.is_local) == ("local", "acme", True)
    assert sent_by(session) == [kept]


def test_profile_then_address_then_default_then_local_stack(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert current().is_local
    keep("one", URL, "token-1", workspace="w")
    assert current().url == URL
    monkeypatch.setenv("FNRUN_URL", "https://other.example.com/")
    assert current().url == "https://other.example.com"
    monkeypatch.setenv("FNRUN_PROFILE", "one")
    assert (current().url, current().workspace) == (URL, "w")
    invocation().profile = "local"
    assert current().is_local
    invocation().workspace = "elsewhere"
    assert current().workspace == "elsewhere"


def test_a_given_token_is_sent_instead_of_a_stored_one(monkeypatch: pytest.MonkeyPatch) -> None:
    keep("one", URL, "stored")
    assert sent_by(current()) == ["stored"]
    monkeypatch.setenv("FNRUN_TOKEN", "given")
    assert sent_by(current()) == ["given"]


def test_the_address_of_a_profile_finds_its_token(monkeypatch: pytest.MonkeyPatch) -> None:
    keep("one", URL, "stored")
    monkeypatch.setenv("FNRUN_URL", URL + "/")
    assert sent_by(current()) == ["stored"]


def test_a_profile_whose_address_was_edited_sends_no_token_there() -> None:
    keep("one", URL, "stored")
    Profiles.load().with_profile("one", Profile("https://evil.example.com")).save()
    with pytest.raises(TokenUnavailable, match="Nobody is logged in"):
        sent_by(current())


@pytest.mark.parametrize("url", ["http://api.example.com", "api.example.com", "https://u:p@api.example.com", "ftp://x"])
def test_no_token_is_sent_where_others_could_read_it(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FNRUN_URL", url)
    monkeypatch.setenv("FNRUN_TOKEN", "given")
    with pytest.raises(CommandError) as raised:
        current()
    assert raised.value.exit_code == Exit.USAGE
    assert "u:p" not in str(raised.value) + raised.value.next_step


@pytest.mark.parametrize("text", ["[profiles", "profiles = 3", "[profiles.one]\nurl = 3", "default = []"])
def test_a_broken_file_is_one_line_with_the_next_step(text: str, tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "config.toml").write_text(text)
    with pytest.raises(CommandError) as raised:
        current()
    assert "config.toml" in raised.value.message
    assert "\n" not in raised.value.message
    assert raised.value.next_step


def test_what_no_header_can_hold_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FNRUN_URL", URL)
    monkeypatch.setenv("FNRUN_TOKEN", "a-secret\nX: é")
    with pytest.raises(CommandError, match="no token has") as raised:
        current()
    assert "a-secret" not in raised.value.message + raised.value.next_step


def test_another_login_at_the_local_stack_has_the_emulator_behind_it(checkout: Path) -> None:
    local = current()
    keep("bob", local.url, "token-of-bob")
    invocation().profile = "bob"
    assert current().local == local.local
    assert sent_by(current()) == ["token-of-bob"]


def test_profiles_survive_being_written_and_read() -> None:
    odd = Profile("https://x.example.com/a", 'w"\\\n', "https://i/ü\U0001f600", "c\x7f", ("a b", "c"))
    Profiles({"a.b": odd}, "a.b").save()
    assert Profiles.load() == Profiles({"a.b": odd}, "a.b")


class TestLocalToken:
    @pytest.fixture
    def renewed(self, checkout: Path, make_token: MakeToken) -> str:
        """What the checkout's own program gives, and nothing of what is shown on the way."""
        token = make_token(jti="renewed")
        program = checkout / ".venv" / "bin" / "python"
        program.parent.mkdir(parents=True)
        program.write_text(
            f"#!{sys.executable}\nimport sys\nprint('progress')\n"
            f"open({str(checkout / 'arguments')!r}, 'w').write(repr(sys.argv))\nprint({token!r})\n"
        )
        program.chmod(0o755)
        return token

    def test_an_expired_one_is_renewed_and_kept_for_its_owner_only(
        self, checkout: Path, renewed: str, make_token: MakeToken
    ) -> None:
        file = checkout / ".local" / "token.json"
        file.write_text(json.dumps({"accessToken": make_token(expires_in=-5)}))
        assert sent_by(current()) == [renewed]
        assert json.loads(file.read_text())["accessToken"] == renewed
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert renewed not in (checkout / "arguments").read_text()

    def test_one_that_a_new_stack_refuses_is_renewed_once(self, checkout: Path, renewed: str) -> None:
        former = json.loads((checkout / ".local" / "token.json").read_text())["accessToken"]
        assert sent_by(current(), 401, 401) == [former, renewed]

    def test_where_none_can_be_made_it_says_how_to_start_the_stack(self, checkout: Path) -> None:
        (checkout / ".local" / "token.json").unlink()
        with pytest.raises(TokenUnavailable, match="gave no token") as raised:
            sent_by(current())
        assert "fnrun local up" in explained(raised.value).next_step
        assert raised.value.is_transient

    def test_a_stack_that_another_user_describes_is_not_ours(
        self, checkout: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        me = os.getuid()
        monkeypatch.setattr(os, "getuid", lambda: me + 1)
        with pytest.raises(CommandError, match="No stack is known"):
            current()

    def test_a_local_stack_is_on_this_machine(self, checkout: Path) -> None:
        file = checkout / ".local" / "stack.json"
        file.write_text(file.read_text().replace("127.0.0.1", "evil.example.com"))
        with pytest.raises(CommandError, match="No stack is known"):
            current()
