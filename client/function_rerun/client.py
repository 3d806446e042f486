"""The client of one workspace."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Self

import httpx

from function_rerun.batches import Batches
from function_rerun.clock import Clock
from function_rerun.credentials import TokenSource
from function_rerun.encoding import Moment, moment, segment
from function_rerun.error_groups import ErrorGroups
from function_rerun.errors import FunctionRerunError
from function_rerun.registry import Registry
from function_rerun.runs import Runs
from function_rerun.transport import ANSWER_SECONDS, Call, Transport, user_agent
from function_rerun.waiting import wait_for_end

if TYPE_CHECKING:
    # Only for annotations: to make all these types takes tens of milliseconds.
    from function_rerun import models

RETRY_SECONDS = 60.0


class Client(Runs, ErrorGroups, Batches, Registry):
    """A workspace of an installation. A method for each operation, under its name; a context manager.

    `auth`: an access token; a function that gives one, asked before each request and again if the token is refused; an
    object whose `renewed` is asked instead for another one; or an `httpx.Auth`. None is enough for `get_open_api`.

    What fails for a while is tried again for `retry_seconds`: 429, 503 and broken connections, if that can do no harm.
    All methods raise a `FunctionRerunError`. Arguments that are None are not sent.
    """

    def __init__(
        self,
        url: str,
        *,
        workspace: str,
        auth: TokenSource | None,
        timeout: float = ANSWER_SECONDS,
        retry_seconds: float = RETRY_SECONDS,
        retries_refused: bool = True,
        transport: httpx.BaseTransport | None = None,
        clock: Clock | None = None,
        on_retry: Callable[[FunctionRerunError, float], object] | None = None,
        used_by: str | None = None,
    ) -> None:
        """`timeout`: seconds that one answer may take. `used_by`: the name of a program, for User-Agent.

        `retries_refused`: whether connections that do not come about are tried again, too.
        `on_retry` is called before what has failed is tried again, with its error and the seconds until then.
        Raises InsecureUrl for plain HTTP to another machine.
        """
        self._transport = Transport(
            url,
            auth,
            retry_seconds=retry_seconds,
            retries_refused=retries_refused,
            answer_seconds=timeout,
            transport=transport,
            clock=clock or Clock(),
            on_retry=on_retry,
            user_agent=user_agent(used_by),
        )
        self.url, self.workspace = self._transport.url, workspace
        self._timeout = timeout
        self._base = f"/workspace/{segment(workspace)}/api/v1"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._transport.close()

    def __repr__(self) -> str:
        return f"Client({self.url!r}, workspace={self.workspace!r})"

    def list_acts(
        self,
        *,
        from_: Moment | None = None,
        to: Moment | None = None,
        by: str | None = None,
        run_id: str | None = None,
        trigger_id: str | None = None,
        experiment_id: str | None = None,
        error_group_id: str | None = None,
        batch_id: str | None = None,
        action: models.Action | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Iterator[models.ActView]:
        """Who did what, newest first, read page by page. `limit`: how many a page holds."""
        filters = {
            "from": moment(from_),
            "to": moment(to),
            "by": by,
            "runId": run_id,
            "triggerId": trigger_id,
            "experimentId": experiment_id,
            "errorGroupId": error_group_id,
            "batchId": batch_id,
            "action": action,
            "limit": limit,
        }
        return self._items("/audit", filters, cursor)

    def get_open_api(self) -> models.ApiDescription:
        """The description of the API, which needs no token and is sent none."""
        answer: models.ApiDescription = self._transport.send(Call("GET", "/openapi.json", needs_token=False))
        return answer

    def wait(
        self,
        run_id: str,
        *,
        timeout: float | None = None,
        on_poll: Callable[[models.RevealedRun], object] | None = None,
        on_trouble: Callable[[FunctionRerunError], object] | None = None,
    ) -> models.RevealedRun:
        """Wait until the run has ended, also while the service is not there. `timeout`: seconds; None: for ever.

        `on_poll` is called with the run each time that it is read, `on_trouble` with the error if it cannot be.
        Raises WaitTimeout, or the error that ends the waiting.
        """

        def read(seconds: float) -> models.RevealedRun:
            call = Call("GET", self._of_run(run_id))
            run: models.RevealedRun = self._transport.send(call, retry_seconds=0, answer_seconds=seconds)
            return run

        return wait_for_end(
            read,
            self._transport.clock,
            timeout=timeout,
            answer_seconds=self._timeout,
            on_poll=on_poll,
            on_trouble=on_trouble,
        )
