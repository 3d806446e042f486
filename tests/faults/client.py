"""Faults injected into botocore clients of the test's own process: real clients, in front of the emulator."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError
from botocore.httpsession import URLLib3Session

from tests.faults.answers import cancelled, error
from tests.faults.kinds import SERVER_ERROR, THROTTLED, Died, Kind

Fault = Callable[[Any], AWSResponse | None]
"""Takes the request; answers it in AWS's stead, or raises what the client would."""

ANY = "any operation"
KINDS = [kind for kind in Kind if kind is not Kind.SLOW]
# botocore names its events by the service's id, which differs from the name that the service signs with.
_SIGNING_NAMES = {"eventbridge": "events", "sfn": "states"}


class Calls(list[str]):
    """The operations that were called, in order, injected answers included."""


class LateEvents:
    """Handlers for clients that exist already, or that a test cannot reach."""

    def __init__(self) -> None:
        self._handlers: dict[str, Any] = {}

    def register(self, event: str, handler: Any) -> None:
        self._handlers[event] = handler

    def unregister(self, event: str, _: Any) -> None:
        del self._handlers[event]

    def before_send(self, **sent: Any) -> Any:
        handler = self._handlers.get(sent.pop("event_name"))
        return handler(**sent) if handler else None


@contextmanager
def injected(events: Any, operation: str, *answers: AWSResponse | Exception | None) -> Iterator[Calls]:
    """The next answers to `operation` ("dynamodb.TransactWriteItems"), None for a real one; real ones follow.

    `events` is a client's `meta.events` or a botocore session: whatever has `register`.
    """
    calls, left = Calls(), list(answers)

    def before_send(**_: Any) -> AWSResponse | None:
        calls.append(operation)
        instead = left.pop(0) if left else None
        if isinstance(instead, Exception):
            raise instead
        return instead

    events.register(f"before-send.{operation}", before_send)
    try:
        yield calls
    finally:
        events.unregister(f"before-send.{operation}", before_send)


class FaultInjection:
    """Between all clients that register it and AWS: records each call, and injects one fault."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.published: list[dict[str, Any]] = []
        """The details of the events that reached the bus, those of error groups too."""
        self._operation = ""
        self._countdown = 0
        self._fault: Fault | None = None

    def before_send(self, **sent: Any) -> Any:
        operation = ".".join(sent["event_name"].split(".")[1:3])
        self.calls.append(operation)
        answer = self._injected(operation, sent["request"])
        if operation == "eventbridge.PutEvents" and answer is None:
            entries = json.loads(sent["request"].body)["Entries"]
            self.published += [json.loads(entry["Detail"]) for entry in entries]
        return answer

    def _injected(self, operation: str, request: Any) -> AWSResponse | None:
        if self._fault is None or self._operation not in (operation, ANY):
            return None
        self._countdown -= 1
        if self._countdown:
            return None
        fault, self._fault = self._fault, None
        return fault(request)

    @contextmanager
    def inject(self, operation: str, fault: Fault, *, nth: int = 1) -> Iterator[None]:
        """The nth call to the operation meets the fault."""
        self._operation, self._countdown, self._fault = operation, nth, fault
        yield
        assert self._fault is None, f"{operation} was called less than {nth} times: nothing was injected"

    def dies_at(self, nth: int, act: Callable[[], object]) -> str | None:
        """The operation before which the process died; None if it came to its end with fewer calls."""
        self.calls.clear()
        self.published.clear()
        self._operation, self._countdown, self._fault = ANY, nth, dies
        try:
            act()
        except Died:
            return self.calls[-1]
        finally:
            self._fault = None
        return None

    @contextmanager
    def recorded(self) -> Iterator[list[str]]:
        self.calls.clear()
        yield self.calls


INJECTION = FaultInjection()


def dies(_: Any) -> None:
    raise Died


def answered(status: int, code: str) -> Fault:
    return lambda _: error(status, code)


def cancelled_by(*codes: str) -> Fault:
    return lambda _: cancelled(*codes)


def not_connected(request: Any) -> None:
    raise ConnectTimeoutError(endpoint_url=request.url)


def request_lost(request: Any) -> None:
    raise ReadTimeoutError(endpoint_url=request.url)


def answer_lost(request: Any) -> None:
    connection = URLLib3Session(proxies={})
    response = connection.send(request)
    content = response.content
    connection.close()
    assert response.status_code < 300, content
    raise ReadTimeoutError(endpoint_url=request.url)


def fault(operation: str, kind: Kind) -> Fault:
    """A fault of that kind for "service.Operation". A service without codes of its own is a KeyError: look them up."""
    name = operation.partition(".")[0]
    service = _SIGNING_NAMES.get(name, name)
    by_kind: dict[Kind, Fault] = {
        Kind.THROTTLED: answered(THROTTLED[service].status, THROTTLED[service].code),
        Kind.SERVER_ERROR: answered(SERVER_ERROR[service].status, SERVER_ERROR[service].code),
        Kind.NO_CONNECTION: not_connected,
        Kind.REQUEST_LOST: request_lost,
        Kind.ANSWER_LOST: answer_lost,
    }
    return by_kind[kind]


class Case(NamedTuple):
    operation: str
    nth: int
    name: str
    """A kind of fault, or what else happens to the call."""
    fault: Fault

    def __str__(self) -> str:
        return f"{self.operation} {self.nth}: {self.name}"


def cases(path: list[str], *more: Case) -> list[Case]:
    """Every call of a path under every kind of fault, and what else can happen to it."""
    seen: Counter[str] = Counter()
    all_cases: list[Case] = []
    for operation in path:
        seen[operation] += 1
        all_cases += [Case(operation, seen[operation], kind, fault(operation, kind)) for kind in KINDS]
    return [*all_cases, *more]
