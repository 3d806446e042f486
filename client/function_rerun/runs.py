"""The operations of the API on runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal, cast

from function_rerun import pages
from function_rerun.encoding import Moment, joined, moment, present, segment
from function_rerun.operations import Operations
from function_rerun.transport import Call

if TYPE_CHECKING:
    # Only for annotations: to make all these types takes tens of milliseconds.
    from function_rerun import models


class Runs(Operations):
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
        batch_id: str | None = None,
        error_group_id: str | None = None,
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
            "batchId": batch_id,
            "errorGroupId": error_group_id,
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
