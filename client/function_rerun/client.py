"""The operations of the API on runs, and the audit. Those on functions and triggers are in registry.py."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import TracebackType
from typing import Any, Literal, Self, cast
from uuid import uuid4

import httpx

from function_rerun import models, pages
from function_rerun.clock import Clock
from function_rerun.credentials import TokenSource
from function_rerun.encoding import Moment, joined, moment, present, query, segment
from function_rerun.errors import FunctionRerunError
from function_rerun.registry import Registry
from function_rerun.transport import ANSWER_SECONDS, Call, Transport, user_agent
from function_rerun.waiting import wait_for_end

RETRY_SECONDS = 60.0
_SAME_KEY = "the same call with this idempotency_key tells, and starts nothing again"


class Client(Registry):
    """A workspace of an installation. A method for each operation, under its name; a context manager.

    `auth`: an access token; a function that gives one, asked before each request and again if the token is refused; or
    an `httpx.Auth`. None is enough for `get_open_api`.

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
        transport: httpx.BaseTransport | None = None,
        clock: Clock | None = None,
        on_retry: Callable[[FunctionRerunError, float], object] | None = None,
        used_by: str | None = None,
    ) -> None:
        """`timeout`: seconds that one answer may take. `used_by`: the name of a program, for User-Agent.

        `on_retry` is called before what has failed is tried again, with its error and the seconds until then.
        Raises InsecureUrl for plain HTTP to another machine.
        """
        self._transport = Transport(
            url,
            auth,
            retry_seconds=retry_seconds,
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

    def rerun(
        self,
        run_id: str,
        *,
        use_latest_code: bool | None = None,
        reason: str | None = None,
        override_params: Mapping[str, Any] | None = None,
        not_before: Moment | None = None,
        if_not_recovered: bool | None = None,
        effects: Literal["new", "same"] | None = None,
        plan_token: str | None = None,
        idempotency_key: str | None = None,
    ) -> models.JobAccepted:
        """Re-run a run: same input and same code, unless something else is said."""
        body = {
            **_planned(
                use_latest_code=use_latest_code,
                reason=reason,
                override_params=override_params,
                not_before=not_before,
                if_not_recovered=if_not_recovered,
                effects=effects,
            ),
            "planToken": plan_token,
        }
        answer: models.JobAccepted = self._start(f"{self._of_run(run_id)}/rerun", body, idempotency_key)
        return answer

    def plan_rerun(
        self,
        run_id: str,
        *,
        use_latest_code: bool | None = None,
        reason: str | None = None,
        override_params: Mapping[str, Any] | None = None,
        not_before: Moment | None = None,
        if_not_recovered: bool | None = None,
        effects: Literal["new", "same"] | None = None,
    ) -> models.RerunPlan:
        """What `rerun` with the same arguments would do. It changes nothing."""
        body = _planned(
            use_latest_code=use_latest_code,
            reason=reason,
            override_params=override_params,
            not_before=not_before,
            if_not_recovered=if_not_recovered,
            effects=effects,
        )
        answer: models.RerunPlan = self._send(Call("POST", f"{self._of_run(run_id)}/rerun-plan", body=present(body)))
        return answer

    def start_experiment(
        self,
        run_id: str,
        *,
        repeats: int | None = None,
        candidate_version: str | None = None,
        candidate_function_id: str | None = None,
        ignore: Iterable[str] | None = None,
        reason: str | None = None,
        idempotency_key: str | None = None,
    ) -> models.ExperimentAccepted:
        """Execute a run's input on its own code and on other code, each several times."""
        body = {
            "repeats": repeats,
            "candidateVersion": candidate_version,
            "candidateFunctionId": candidate_function_id,
            "ignore": None if ignore is None else list(ignore),
            "reason": reason,
        }
        path = f"{self._of_run(run_id)}/experiments"
        answer: models.ExperimentAccepted = self._start(path, body, idempotency_key)
        return answer

    def get_experiment(self, run_id: str, experiment_id: str) -> models.ExperimentView:
        answer: models.ExperimentView = self._get(f"{self._of_run(run_id)}/experiments/{segment(experiment_id)}")
        return answer

    def cancel(self, run_id: str) -> models.Cancelled:
        """Cancel a run. `status` says whether that was in time."""
        call = Call(
            "POST",
            f"{self._of_run(run_id)}/cancel",
            changes="whether the run was cancelled",
            find_out="get_run tells, and cancelling it again does no harm",
        )
        answer: models.Cancelled = self._send(call)
        return answer

    def get_run(self, run_id: str, include: Iterable[str] = ()) -> models.RevealedRun:
        """`include`: parts to reveal, of parameters, overrides, result, logs and error. That leaves an audit line."""
        answer: models.RevealedRun = self._get(self._of_run(run_id), {"include": joined(include)})
        return answer

    def list_runs(
        self,
        *,
        status: models.Status | None = None,
        function_id: str | None = None,
        trigger_id: str | None = None,
        recovered: bool | None = None,
        is_rerun: bool | None = None,
        rerun_by: str | None = None,
        execution_source: models.ExecutionSource | None = None,
        error_code: str | None = None,
        function_version: str | None = None,
        from_: Moment | None = None,
        to: Moment | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Iterator[models.RunView]:
        """All runs that match, newest first, read page by page. `limit`: how many a page holds."""
        filters = {
            "status": status,
            "functionId": function_id,
            "triggerId": trigger_id,
            "recovered": recovered,
            "isRerun": is_rerun,
            "rerunBy": rerun_by,
            "executionSource": execution_source,
            "errorCode": error_code,
            "functionVersion": function_version,
            "from": moment(from_),
            "to": moment(to),
            "limit": limit,
        }
        return self._items("/function-runs", filters, cursor)

    def get_rerun_history(
        self, run_id: str, *, limit: int | None = None, cursor: str | None = None
    ) -> models.RerunHistory:
        """The lineage of a run: all of it, or one page if `limit` or `cursor` is given."""
        path = f"{self._of_run(run_id)}/rerun-history"
        if limit is not None or cursor is not None:
            page: models.RerunHistory = self._get(path, {"limit": limit, "cursor": cursor})
            return page
        *before, last = pages.all_pages(lambda at: self._get(path, {"cursor": at}))
        reruns = [each for one in (*before, last) for each in one["reruns"]]
        return cast("models.RerunHistory", last | {"reruns": reruns})

    def compare_runs(self, run_id: str, with_: str | None = None) -> models.Comparison:
        """How it differs from another run, by default from the one that it repeats."""
        answer: models.Comparison = self._get(f"{self._of_run(run_id)}/compare", {"with": with_})
        return answer

    def erase(self, run_id: str) -> None:
        """Erase what a run holds, for good."""
        call = Call(
            "DELETE",
            f"{self._of_run(run_id)}/content",
            changes="whether the content was erased",
            find_out="get_run tells, and erasing it again does no harm",
        )
        self._send(call)

    def execute_trigger(
        self,
        trigger_id: str,
        *,
        payload: Mapping[str, Any] | None = None,
        orchestration_id: str | None = None,
        idempotency_key: str | None = None,
    ) -> models.JobAccepted:
        """Start a run of a trigger."""
        body = {"payload": payload, "orchestrationId": orchestration_id}
        path = f"{self._base}/function-triggers/{segment(trigger_id)}/execute"
        answer: models.JobAccepted = self._start(path, body, idempotency_key)
        return answer

    def list_acts(
        self,
        *,
        from_: Moment | None = None,
        to: Moment | None = None,
        by: str | None = None,
        run_id: str | None = None,
        trigger_id: str | None = None,
        experiment_id: str | None = None,
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
        Raises WaitTimeout, or the ApiError that ends the waiting.
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

    def _start(self, path: str, body: Mapping[str, Any], idempotency_key: str | None) -> Any:
        """With a key of its own, which is the same each time that it is sent."""
        call = Call(
            "POST",
            path,
            body=present(body),
            changes="whether anything was started",
            find_out=_SAME_KEY,
            idempotency_key=str(uuid4()) if idempotency_key is None else idempotency_key,
        )
        return self._send(call)

    def _of_run(self, run_id: str) -> str:
        return f"{self._base}/function-runs/{segment(run_id)}"

    def _items(self, path: str, filters: Mapping[str, Any], cursor: str | None) -> Iterator[Any]:
        return pages.all_items(lambda at: self._get(f"{self._base}{path}", {**filters, "cursor": at}), cursor)

    def _get(self, path: str, parameters: Mapping[str, Any] | None = None) -> Any:
        return self._send(Call("GET", path, query=query(parameters or {})))

    def _send(self, call: Call) -> Any:
        return self._transport.send(call)


def _planned(
    *,
    use_latest_code: bool | None,
    reason: str | None,
    override_params: Mapping[str, Any] | None,
    not_before: Moment | None,
    if_not_recovered: bool | None,
    effects: str | None,
) -> dict[str, Any]:
    return {
        "useLatestCode": use_latest_code,
        "reason": reason,
        "overrideParams": override_params,
        "notBefore": moment(not_before),
        "ifNotRecovered": if_not_recovered,
        "effects": effects,
    }
