"""What can happen to a call on its way to AWS."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError
from botocore.httpsession import URLLib3Session

from tests.aws.injection import cancelled, error

Injection = Callable[[Any], AWSResponse | None]
ANY = "any operation"


class Died(BaseException):
    """The process is gone: nothing is caught, nothing is cleaned up."""


class FaultInjection:
    """Stands between every client of this file and AWS: notes each call, and strikes the one it was told to."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.actual: list[dict[str, Any]] = []
        """What the bus has been told, as far as its calls were not struck."""
        self._operation = ""
        self._countdown = 0
        self._strike: Injection | None = None

    def before_send(self, **sent: Any) -> Any:
        operation = ".".join(sent["event_name"].split(".")[1:3])
        self.calls.append(operation)
        answer = self._struck(operation, sent["request"])
        if operation == "eventbridge.PutEvents" and answer is None:
            entries = json.loads(sent["request"].body)["Entries"]
            self.actual += [json.loads(entry["Detail"]) for entry in entries]
        return answer

    def _struck(self, operation: str, request: Any) -> AWSResponse | None:
        if self._strike is None or self._operation not in (operation, ANY):
            return None
        self._countdown -= 1
        if self._countdown:
            return None
        inject, self._strike = self._strike, None
        return inject(request)

    @contextmanager
    def striking(self, operation: str, inject: Injection, *, nth: int = 1) -> Iterator[None]:
        self._operation, self._countdown, self._strike = operation, nth, inject
        yield
        assert self._strike is None, f"{operation} was called less than {nth} times: nothing was struck"

    def dies_at(self, nth: int, act: Callable[[], object]) -> str | None:
        """The operation before which the process died; None if it came to its end with fewer calls."""
        self.calls.clear()
        self.actual.clear()
        self._operation, self._countdown, self._strike = ANY, nth, dies
        try:
            act()
        except Died:
            return self.calls[-1]
        finally:
            self._strike = None
        return None

    @contextmanager
    def noted(self) -> Iterator[list[str]]:
        self.calls.clear()
        yield self.calls


WEATHER = FaultInjection()


def dies(_: Any) -> None:
    raise Died


def answered(status: int, code: str) -> Injection:
    return lambda _: error(status, code)


def never_connected(request: Any) -> None:
    raise ConnectTimeoutError(endpoint_url=request.url)


def lost_on_the_way(request: Any) -> None:
    """The request reached nobody, which its sender cannot know."""
    raise ReadTimeoutError(endpoint_url=request.url)


def answer_lost(request: Any) -> None:
    connection = URLLib3Session(proxies={})
    response = connection.send(request)
    answered = response.content
    connection.close()
    assert response.status_code < 300, answered
    raise ReadTimeoutError(endpoint_url=request.url)


def cancelled_by(*codes: str) -> Injection:
    return lambda _: cancelled(*codes)


THROTTLED = {
    "dynamodb": answered(400, "ProvisionedThroughputExceededException"),
    "kms": answered(400, "ThrottlingException"),
    "sqs": answered(400, "RequestThrottled"),
    "lambda": answered(429, "TooManyRequestsException"),
    "eventbridge": answered(400, "ThrottlingException"),
}
BROKEN = {
    "dynamodb": answered(500, "InternalServerError"),
    "kms": answered(500, "KMSInternalException"),
    "sqs": answered(500, "InternalFailure"),
    "lambda": answered(500, "ServiceException"),
    "eventbridge": answered(500, "InternalException"),
}
LOST = "the answer is lost"


def strikes(operation: str) -> dict[str, Injection]:
    service = operation.partition(".")[0]
    return {
        "throttled": THROTTLED[service],
        "500": BROKEN[service],
        "no connection": never_connected,
        "lost on the way": lost_on_the_way,
        LOST: answer_lost,
    }


class Case(NamedTuple):
    operation: str
    nth: int
    fault: str
    inject: Injection

    def __str__(self) -> str:
        return f"{self.operation} {self.nth}: {self.fault}"


def cases(path: list[str], *more: Case) -> list[Case]:
    """Every call of a path under every strike, and what else can happen to it."""
    seen: Counter[str] = Counter()
    all_cases: list[Case] = []
    for operation in path:
        seen[operation] += 1
        all_cases += [Case(operation, seen[operation], fault, inject) for fault, inject in strikes(operation).items()]
    return [*all_cases, *more]
