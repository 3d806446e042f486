"""Requests over a network that fails: what may be sent again is, until it is answered or the time is over.

429 is an answer before anything was done, and so is a connection that did not come about: that is tried again, whatever
was asked. A connection that breaks later, or a 5xx of what stands in front of the service, leaves open whether the
request was carried out: only what does no harm when it is done twice is sent again.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from http import HTTPStatus
from importlib.metadata import PackageNotFoundError, version
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

import httpx

from function_rerun.addresses import checked_url, is_loopback
from function_rerun.answers import RawResponse, Redirected, TruncatedResponse, read_answer
from function_rerun.clock import Clock
from function_rerun.credentials import BearerAuth, TokenSource
from function_rerun.encoding import header
from function_rerun.errors import (
    ApiError,
    ConnectionFailed,
    Forbidden,
    FunctionRerunError,
    InvalidAnswer,
    OutcomeUnknown,
    ServiceFault,
    Throttled,
    TokenUnavailable,
    Unauthorized,
    Unavailable,
    may_pass,
)

CONNECT_SECONDS = 5.0
# API Gateway answers within 30 seconds.
ANSWER_SECONDS = 35.0
# More than twice what the API answers at most, whatever it was packed into.
_LARGEST_ANSWER = 16_000_000
_FIRST_DELAY = 0.5
_LONGEST_DELAY = 10.0
# What the API asks for where API Gateway names no time.
_THROTTLED_DELAY = 1.0


class Call(NamedTuple):
    """A request, and what may become of it."""

    method: str
    path: str
    query: Mapping[str, str] = {}
    body: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = {}
    changes: str = ""
    """What is not known if no answer comes, such as `whether the run was started`. Empty: it changes nothing."""
    find_out: str = ""
    """How to find that out."""
    is_repeatable: bool = True
    """Whether it does no harm when it is done twice."""
    idempotency_key: str | None = None
    needs_token: bool = True

    def __repr__(self) -> str:
        """Without content, which a traceback with variables would show."""
        return f"{self.method} {self.path}"

    def unknown(self, why: FunctionRerunError) -> OutcomeUnknown:
        request_id = why.request_id if isinstance(why, ApiError) else None
        sentence = f"{why.message.removesuffix('.')}, so it is not known {self.changes}."
        return OutcomeUnknown(sentence, self.find_out, idempotency_key=self.idempotency_key, request_id=request_id)


class Transport:
    def __init__(
        self,
        url: str,
        auth: TokenSource | None,
        *,
        retry_seconds: float,
        retries_refused: bool,
        answer_seconds: float,
        transport: httpx.BaseTransport | None,
        clock: Clock,
        on_retry: Callable[[FunctionRerunError, float], object] | None,
        user_agent: str,
    ) -> None:
        checked = checked_url(url)
        self.url = str(checked).rstrip("/")
        self.clock = clock
        self._retries_refused = retries_refused
        self._retry_seconds, self._answer_seconds = retry_seconds, answer_seconds
        self._on_retry = on_retry
        self._auth = auth if auth is None or isinstance(auth, httpx.Auth) else BearerAuth(auth)
        self._http = httpx.Client(
            headers={"User-Agent": user_agent, "Accept": "application/json"},
            transport=transport,
            # A proxy of the environment would be sent what this machine alone may see.
            trust_env=not is_loopback(checked.host),
        )

    def close(self) -> None:
        self._http.close()

    def send(self, call: Call, *, retry_seconds: float | None = None, answer_seconds: float | None = None) -> Any:
        """The JSON object that is answered, None without a body. Raises FunctionRerunError."""
        budget = self._retry_seconds if retry_seconds is None else retry_seconds
        until = self.clock.monotonic() + budget
        may_be_done = False
        for delay in self._delays():
            try:
                return self._attempt(call, answer_seconds or self._answer_seconds)
            except FunctionRerunError as caught:
                error = caught
            may_be_done = may_be_done or (bool(call.changes) and _leaves_open(error))
            wait = max(delay, _least_delay(error))
            if isinstance(error, _NotConnected) and not self._retries_refused:
                break
            if not may_pass(error) or (may_be_done and not call.is_repeatable):
                break
            if self.clock.monotonic() + wait >= until:
                break
            if self._on_retry is not None:
                self._on_retry(error, wait)
            self.clock.sleep(wait)
        # Raised here, it carries nothing of the request as its context.
        raise call.unknown(error) if may_be_done and not _settles(error) else error

    def _delays(self) -> Iterator[float]:
        """Exponential, with full jitter: https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/."""
        longest = _FIRST_DELAY
        while True:
            yield self.clock.below(longest)
            longest = min(longest * 2, _LONGEST_DELAY)

    def _attempt(self, call: Call, answer_seconds: float) -> Any:
        failed: FunctionRerunError
        try:
            return read_answer(self._exchange(call, answer_seconds), self.clock.now())
        except TokenUnavailable as unavailable:
            # Its traceback holds the request.
            failed = unavailable.with_traceback(None)
        except httpx.ConnectTimeout:
            failed = _NotConnected(f"{self.url} is not reached in time")
        except (httpx.ConnectError, httpx.ProxyError) as refused:
            # What the system or TLS says of a connection that did not come about: `[Errno 111] Connection refused`.
            failed = _NotConnected(f"{self.url} is not reached: {refused}")
        except httpx.TimeoutException:
            failed = ConnectionFailed(f"{self.url} did not answer in time")
        except (httpx.TransportError, httpx.DecodingError, TruncatedResponse):
            failed = ConnectionFailed(f"The connection to {self.url} broke before it had answered")
        raise failed

    def _exchange(self, call: Call, answer_seconds: float) -> RawResponse:
        headers = dict(call.headers)
        if call.idempotency_key is not None:
            headers["Idempotency-Key"] = header("idempotency_key", call.idempotency_key)
        content = None
        if call.body is not None:
            content, headers["Content-Type"] = _encoded(call.body), "application/json"
        timeout = httpx.Timeout(answer_seconds, connect=min(CONNECT_SECONDS, answer_seconds))
        query = f"?{urlencode(call.query, quote_via=quote, errors='replace')}" if call.query else ""
        until = self.clock.monotonic() + answer_seconds
        request = self._http.build_request(
            call.method, self.url + call.path + query, content=content, headers=headers, timeout=timeout
        )
        with closing(self._http.send(request, auth=self._auth if call.needs_token else None, stream=True)) as response:
            read, size = [], 0
            for piece in response.iter_bytes():
                read.append(piece)
                size += len(piece)
                if size > _LARGEST_ANSWER:
                    raise InvalidAnswer("What answered is not the API of Function Re-run: it sends too much.")
                # An answer may also drip: each byte in time, and the whole never.
                if self.clock.monotonic() > until:
                    raise httpx.ReadTimeout("")
            return RawResponse(response.status_code, response.reason_phrase, response.headers, b"".join(read))


def _encoded(body: Mapping[str, Any]) -> bytes:
    """As UTF-8, but with escapes if there is half of a surrogate pair in it. Raises ValueError for NaN."""
    try:
        return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        return json.dumps(body, allow_nan=False, separators=(",", ":")).encode()


class _NotConnected(ConnectionFailed):
    """Nothing was sent."""


def _leaves_open(error: FunctionRerunError) -> bool:
    """Whether the request may have been carried out all the same."""
    if isinstance(error, (_NotConnected, Redirected, Throttled, TokenUnavailable)):
        return False
    # A fault may come after the write, and what is no answer of the API may stand in the place of one.
    return may_pass(error) or isinstance(error, (InvalidAnswer, ServiceFault))


def _settles(error: FunctionRerunError) -> bool:
    """Whether the answer to a request that was sent again tells what became of it.

    It does if the service refuses it, but not for a token that has ended in between.
    """
    return isinstance(error, ApiError) and not isinstance(error, (Unavailable, ServiceFault, Unauthorized, Forbidden))


def _least_delay(error: FunctionRerunError) -> float:
    if not isinstance(error, ApiError):
        return 0.0
    if error.retry_after is not None:
        return error.retry_after
    return _THROTTLED_DELAY if error.status == HTTPStatus.TOO_MANY_REQUESTS else 0.0


def user_agent(of: str | None) -> str:
    """`fnrun/0.1.0 httpx/0.28.1`, after the name of the program that uses it."""
    try:
        own = f"fnrun/{version('fnrun')}"
    except PackageNotFoundError:
        own = "fnrun"
    return " ".join(filter(None, (of, own, f"httpx/{httpx.__version__}")))
