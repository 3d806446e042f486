"""`fnrun login` and what follows, at any issuer by discovery."""

import io
import json
import logging
import queue
import socket
import threading
import urllib.request
import webbrowser
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import httpx
import pytest
from fnrun.connection import callback, local_stack, login, sources, token_store
from fnrun.connection.exchange import redeemed
from fnrun.connection.profiles import Profile, Profiles
from fnrun.connection.session import current
from fnrun.connection.token_store import key_of
from fnrun.errors import CommandError, Exit
from function_rerun.credentials import BearerAuth

from handlers import api_openapi
from handlers.api.description import ApiDescription
from handlers.api.openapi import Login, openapi
from infra.identity import CALLBACKS
from tests.client.cli import Fnrun
from tests.client.connection.conftest import Keyring, MakeToken
from tests.client.connection.provider import CLIENT, Provider
from tests.client.server import Api


@pytest.fixture
def provider(make_token: MakeToken) -> Iterator[Provider]:
    with Provider(make_token).running() as found:
        yield found


@pytest.fixture(autouse=True)
def own_ports(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Not those that another test may have; and no stack of this machine."""
    monkeypatch.setattr(login, "listening", lambda: callback.listening((0,)))
    monkeypatch.setattr(local_stack, "checkouts", lambda: iter([Path.cwd()]))
    monkeypatch.chdir(tmp_path)


class Browser:
    """Opens the page, and whatever that leads to."""

    def __init__(self) -> None:
        self.pages: list[str] = []
        self.shown = ""
        self.before: list[str] = []
        """Paths that something else asks the same port for before."""

    def __call__(self, page: str) -> bool:
        self.pages.append(page)
        # Not with httpx, whose log would have the code: fnrun's own is looked through for it.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        origin = httpx.URL(page).params["redirect_uri"].removesuffix("/callback")
        for path in self.before:
            with suppress(HTTPError):
                opener.open(origin + path).close()
        with suppress(HTTPError), opener.open(page) as answer:
            self.shown = answer.read().decode()
        return True


@pytest.fixture
def browser(monkeypatch: pytest.MonkeyPatch) -> Browser:
    found = Browser()
    monkeypatch.setattr(webbrowser, "open", found)
    return found


def describe(monkeypatch: pytest.MonkeyPatch, api: Api, issuer: str, *audience: str, client_id: str = CLIENT) -> None:
    described = ApiDescription.model_validate(openapi(Login(api.url, issuer, client_id, audience)))
    monkeypatch.setattr(api_openapi, "described", lambda: described)


@pytest.fixture
def url(api: Api, provider: Provider, browser: Browser, monkeypatch: pytest.MonkeyPatch) -> str:
    """Of an API that trusts the provider."""
    provider.claims["iss"] = provider.url
    provider.claims["client_id"] = CLIENT
    describe(monkeypatch, api, provider.url)
    return api.url


def test_a_login_makes_a_profile_that_may_call_the_api(fnrun: Fnrun, url: str, browser: Browser) -> None:
    answer = fnrun("login", url, "--profile", "mine")
    assert (answer.code, answer.stdout) == (Exit.DONE, "")
    assert "as alice: profile mine, tokens in the keyring." in answer.stderr
    assert "May in acme: *:*" in answer.stderr
    assert "You may close this window." in browser.shown
    assert f"\n{browser.pages[0]}\n" in answer.stderr
    assert Profiles.load().by_name == {"mine": Profile(url, "acme")}
    shown = fnrun("whoami", "--profile", "mine", "--output", "json").document
    assert (shown["subject"], shown["workspace"], shown["grants"]) == ("alice", "acme", {"acme": ["*:*"]})


def test_a_stack_elsewhere_becomes_the_default_and_one_on_this_machine_does_not(fnrun: Fnrun, url: str) -> None:
    assert "Use it with --profile default" in fnrun("login", url).stderr
    assert Profiles.load().default is None
    assert Profiles().with_profile("x", Profile("https://x")).default == "x"


def test_the_request_is_that_of_a_public_client_with_pkce(fnrun: Fnrun, url: str, provider: Provider) -> None:
    assert fnrun("login", url).code == Exit.DONE
    [asked], [form] = provider.asked, provider.forms
    assert asked["code_challenge_method"] == "S256"
    assert asked["scope"] == "openid offline_access"
    assert asked["redirect_uri"].startswith("http://127.0.0.1:")
    assert form["redirect_uri"] == asked["redirect_uri"]
    assert "client_secret" not in form
    assert {"audience", "resource"}.isdisjoint(asked)


def test_offline_access_is_asked_for_only_where_it_is_known(fnrun: Fnrun, url: str, provider: Provider) -> None:
    provider.describes["scopes_supported"] = ["openid"]
    fnrun("login", url, "--scope", "extra")
    assert provider.asked[0]["scope"] == "openid extra"


@pytest.mark.parametrize("audience", ["api://function-rerun", "0000-the-api"])
def test_an_api_with_an_audience_is_named_to_the_provider(
    fnrun: Fnrun, url: str, api: Api, provider: Provider, *, monkeypatch: pytest.MonkeyPatch, audience: str
) -> None:
    describe(monkeypatch, api, provider.url, audience)
    assert fnrun("login", url).code == Exit.DONE
    assert provider.asked[0]["audience"] == audience
    # A resource is a URI: https://www.rfc-editor.org/rfc/rfc8707#section-2
    named = audience if ":" in audience else None
    assert (provider.asked[0].get("resource"), provider.forms[0].get("resource")) == (named, named)


def test_stray_requests_do_not_disturb_a_login(fnrun: Fnrun, url: str, browser: Browser) -> None:
    browser.before = ["/favicon.ico", "/", "/callback", "/callback?code=x&state=wrong", "/callback?error=x"]
    assert fnrun("login", url).code == Exit.DONE


@pytest.mark.parametrize(
    ("brings", "says"),
    [
        ({"iss": "https://evil.example.com"}, "not from http://127.0.0.1"),
        ({"code": None, "error": "access_denied", "error_description": "Not\nyou"}, "access_denied (Not you)"),
        ({"error": "server_error"}, "server_error"),
        ({"code": None}, "no code"),
        ({"code": "another-s"}, "invalid_grant"),
    ],
)
def test_an_answer_that_is_not_good_ends_the_login(
    fnrun: Fnrun, url: str, provider: Provider, brings: dict[str, str | None], says: str
) -> None:
    provider.brings = brings
    answer = fnrun("login", url)
    assert answer.code == Exit.NOT_PERMITTED
    assert says in answer.stderr.splitlines()[-1]
    assert Profiles.load() == Profiles()


def test_a_provider_that_always_names_itself_has_to(fnrun: Fnrun, url: str, provider: Provider) -> None:
    provider.brings = {"iss": None}
    assert fnrun("login", url).code == Exit.DONE
    provider.describes["authorization_response_iss_parameter_supported"] = True
    assert "not from" in fnrun("login", url).stderr


def test_an_answer_with_another_state_is_not_waited_for_for_ever(
    fnrun: Fnrun, url: str, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(login, "PATIENCE_SECONDS", 0.05)
    provider.brings = {"state": "another"}
    answer = fnrun("login", url)
    assert answer.code == Exit.UNKNOWN
    assert "Nobody has logged in" in answer.stderr


@pytest.mark.parametrize(
    ("describes", "says"),
    [
        ({"issuer": "https://evil.example.com"}, "does not say that it is"),
        ({"code_challenge_methods_supported": ["plain"]}, "no PKCE"),
        ({"token_endpoint": "http://evil.example.com/token"}, "token_endpoint is not an HTTPS address"),
        ({"authorization_endpoint": None}, "authorization_endpoint is not an HTTPS address"),
    ],
)
def test_a_provider_that_describes_itself_wrongly_gets_no_login(
    fnrun: Fnrun, url: str, provider: Provider, browser: Browser, *, describes: dict[str, Any], says: str
) -> None:
    provider.describes = describes
    answer = fnrun("login", url)
    assert answer.code != Exit.DONE
    assert says in answer.stderr
    assert browser.pages == []


def test_an_issuer_without_https_is_refused(fnrun: Fnrun, url: str, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    describe(monkeypatch, api, "http://issuer.example.com")
    assert "The issuer has to begin with https://" in fnrun("login", url).stderr


def test_an_api_without_a_client_takes_one_by_name_and_keeps_it(
    fnrun: Fnrun, url: str, api: Api, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    describe(monkeypatch, api, provider.url, client_id="")
    assert "--client-id" in fnrun("login", url).stderr
    assert fnrun("login", url, "--client-id", "mine").code == Exit.DONE
    assert fnrun("login", "--profile", "default").code == Exit.DONE
    assert [each["client_id"] for each in provider.asked] == ["mine", "mine"]


def test_a_second_stack_needs_a_name_of_its_own(fnrun: Fnrun, url: str) -> None:
    Profiles({"default": Profile("https://other.example.com")}).save()
    answer = fnrun("login", url)
    assert answer.code == Exit.USAGE
    assert "--profile NAME" in answer.stderr


def test_what_is_no_api_of_ours_is_said(fnrun: Fnrun, provider: Provider) -> None:
    assert "answers 404" in fnrun("login", provider.url).stderr
    assert fnrun("login", "http://127.0.0.1:9").code == Exit.NOT_REACHED
    assert fnrun("login").code == Exit.USAGE


def test_a_token_that_the_api_refuses_is_explained_and_not_kept(fnrun: Fnrun, url: str, provider: Provider) -> None:
    provider.claims |= {"exp": 0, "iss": "https://other.example.com"}
    answer = fnrun("login", url)
    assert answer.code == Exit.NOT_PERMITTED
    assert "its issuer is https://other.example.com" in answer.stderr
    assert "it expired at" in answer.stderr
    assert Profiles.load() == Profiles()


def test_a_token_comes_from_standard_input_and_from_no_argument(
    fnrun: Fnrun, url: str, make_token: MakeToken, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = make_token(**{"cognito:groups": ["acme/function-runs:read"]})
    monkeypatch.setattr("sys.stdin", io.StringIO(token + "\n"))
    answer = fnrun("login", url, "--token-stdin")
    assert answer.code == Exit.DONE
    assert "May in acme: function-runs:read" in answer.stderr
    monkeypatch.setattr("sys.stdin", io.StringIO("a-secret"))
    answer = fnrun("login", url, "--token-stdin")
    assert answer.code == Exit.USAGE
    assert "a-secret" not in answer.stderr


class TestPorts:
    def test_the_first_that_is_free_is_taken(self) -> None:
        with ExitStack() as taken:
            ports = [taken.enter_context(listener()).getsockname()[1] for _ in range(2)]
            free = listener()
            last = free.getsockname()[1]
            free.close()
            with callback.listening((*ports, last)) as found:
                assert found.uri == f"http://127.0.0.1:{last}/callback"
            with pytest.raises(CommandError, match="are taken"), callback.listening(tuple(ports)):
                pass

    def test_they_are_those_of_the_stack_s_own_pool(self) -> None:
        assert [f"http://127.0.0.1:{port}/callback" for port in callback.PORTS] == CALLBACKS

    def test_a_connection_that_says_nothing_holds_nobody_up(self) -> None:
        with callback.listening((0,)) as found:
            address = httpx.URL(found.uri)
            with socket.create_connection((address.host, address.port)):
                answer = httpx.get(found.uri, params={"state": found.state, "code": "c"}, trust_env=False)
            assert found.answer(seconds=5)["code"] == "c"
            assert answer.headers["cache-control"] == "no-store"


class TestPatience:
    def test_it_waits_in_slices_between_which_it_can_be_interrupted(self, monkeypatch: pytest.MonkeyPatch) -> None:
        found, now, slices = callback.Callback(1, "state"), [0.0], []

        def get(*, timeout: float) -> dict[str, str]:
            slices.append(timeout)
            now[0] += timeout
            raise queue.Empty

        monkeypatch.setattr(callback, "monotonic", lambda: now[0])
        monkeypatch.setattr(found.answers, "get", get)
        with pytest.raises(CommandError, match="for 4 s"):
            found.answer(seconds=3.5)
        assert slices == [1.0, 1.0, 1.0, 0.5]


def listener() -> socket.socket:
    found = socket.socket()
    found.bind(("127.0.0.1", 0))
    found.listen()
    return found


class TestRefresh:
    @pytest.fixture(autouse=True)
    def logged_in(self, fnrun: Fnrun, url: str, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
        provider.expires_in = 1
        assert fnrun("login", url, "--profile", "mine").code == Exit.DONE
        monkeypatch.setenv("FNRUN_PROFILE", "mine")
        provider.expires_in = 3600

    def test_an_expired_token_is_renewed_and_the_next_refresh_token_kept(self, provider: Provider, url: str) -> None:
        first = token_store.read(key_of("mine", url))
        renewed = current().source.token()
        kept = token_store.read(key_of("mine", url))
        assert first is not None
        assert kept is not None
        assert kept.access_token == renewed != first.access_token
        assert kept.refresh_token != first.refresh_token
        assert current().source.token() == renewed

    def test_two_at_once_with_tokens_for_one_use_do_not_lose_the_login(self, provider: Provider) -> None:
        found: list[str] = []
        # Each thread has a source of its own, as each process would.
        threads = [threading.Thread(target=lambda: found.append(current().source.token())) for _ in range(4)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        assert len(set(found)) == 1
        assert provider.revoked == set()
        assert [form["grant_type"] for form in provider.forms].count("refresh_token") == 1

    def test_a_token_that_is_refused_is_renewed_and_the_request_sent_again(self, url: str, provider: Provider) -> None:
        session, seen = current(), []
        fresh = session.source.token()

        def answer(request: httpx.Request) -> httpx.Response:
            seen.append(request.headers["Authorization"])
            return httpx.Response(401 if len(seen) == 1 else 200)

        with httpx.Client(transport=httpx.MockTransport(answer), auth=session.auth) as client:
            assert client.post(url, content=b"{}").status_code == 200
        assert seen[0] == f"Bearer {fresh}" != seen[1]

    def test_a_login_that_has_ended_says_how_to_log_in(self, fnrun: Fnrun, url: str, provider: Provider) -> None:
        kept = token_store.read(key_of("mine", url))
        assert kept is not None
        assert kept.refresh_token is not None
        provider.revoke({"token": kept.refresh_token})
        answer = fnrun("whoami")
        assert answer.code == Exit.NOT_PERMITTED
        assert answer.stderr == f"fnrun: The login at {provider.url} has ended. Next: fnrun login --profile mine\n"

    def test_a_provider_that_is_down_ends_no_login(self, fnrun: Fnrun, provider: Provider) -> None:
        provider.is_down = True
        assert fnrun("whoami").code == Exit.NOT_REACHED
        provider.is_down = False
        assert fnrun("whoami").code == Exit.DONE

    def test_who_logs_out_is_logged_out_at_the_provider_too(self, fnrun: Fnrun, provider: Provider) -> None:
        assert "Logged out of the profile mine" in fnrun("logout").stderr
        assert len(provider.revoked) == 1
        assert "Nobody is logged in" in fnrun("whoami").stderr
        assert "Nobody was logged in" in fnrun("logout").stderr

    def test_a_profile_is_removed_with_its_tokens(self, fnrun: Fnrun, keyring: Keyring) -> None:
        assert fnrun("profiles", "remove", "mine").code == Exit.DONE
        assert keyring.kept == {}
        assert fnrun("profiles", "list", "-o", "json", "-p", "x").document == []

    @pytest.mark.parametrize("typed", ["logout", "profiles remove mine"])
    def test_what_the_keyring_still_has_is_not_said_to_be_removed(
        self, fnrun: Fnrun, provider: Provider, keyring: Keyring, typed: str
    ) -> None:
        keyring.may_be_changed = False
        answer = fnrun(*typed.split())
        assert (answer.code, answer.stdout, len(answer.stderr.splitlines())) == (Exit.NOT_WELL, "", 1)
        assert "still has them" in answer.stderr
        # All of it is left: unlocked, the same command ends the login at the provider, too.
        assert (provider.revoked, list(Profiles.load().by_name)) == (set(), ["mine"])
        keyring.may_be_changed = True
        assert fnrun(*typed.split()).code == Exit.DONE
        assert (len(provider.revoked), keyring.kept) == (1, {})


def test_profiles_are_listed_and_chosen(fnrun: Fnrun, url: str) -> None:
    fnrun("login", url)
    assert fnrun("profiles", "use", "default").code == Exit.DONE
    [row] = fnrun("profiles", "list", "--output", "json").document
    shown = {"name": "default", "url": url, "workspace": "acme", "default": True, "tokens": "keyring"}
    assert row == shown
    assert "keyring" in fnrun("profiles", "list").stdout
    assert fnrun("profiles", "use", "nothing").code == Exit.USAGE


@pytest.mark.parametrize("with_keyring", [True, False])
def test_no_code_and_no_token_is_anywhere_but_where_tokens_are_kept(
    fnrun: Fnrun,
    url: str,
    provider: Provider,
    keyring: Keyring,
    *,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    with_keyring: bool,
) -> None:
    caplog.set_level(logging.DEBUG)
    keyring.fault = None if with_keyring else RuntimeError()
    provider.expires_in = 1
    said = [fnrun("login", url, "-p", "mine"), fnrun("whoami", "-p", "mine"), fnrun("runs", "list", "-p", "mine")]
    provider.brings = {"code": "a-stolen-code"}
    provider.secrets.add("a-stolen-code")
    said += [fnrun("login", url), fnrun("logout", "-p", "mine", "-o", "json")]
    said_text = json.dumps([[each.stdout, each.stderr] for each in said]) + caplog.text
    assert [secret for secret in provider.secrets if secret in said_text] == []
    files = {file.name: file.read_text() for file in (tmp_path / "config").rglob("*") if file.is_file()}
    holding = {name for name, text in files.items() if any(secret in text for secret in provider.secrets)}
    assert holding == set()
    assert "completion.json" in files


def test_errors_of_the_exchange_hold_no_secret_in_their_whole_chain(url: str, provider: Provider) -> None:
    with pytest.raises(CommandError) as raised:
        redeemed(
            issuer=provider.url,
            token_endpoint="http://127.0.0.1:9/token",
            client_id=CLIENT,
            code="the-code",
            verifier="the-verifier",
            redirect_uri="http://127.0.0.1/callback",
            extra={},
        )
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__
    assert "the-" not in str(vars(raised.value))


def test_a_source_does_not_show_its_token() -> None:
    source = sources.GivenToken("a-secret")
    assert "a-secret" not in repr(source) + repr(BearerAuth(sources.ClientToken(source)))
