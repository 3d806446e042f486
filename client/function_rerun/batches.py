"""The operations of the API on batches of re-runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal, overload

from function_rerun.encoding import Moment, moment, present, segment
from function_rerun.operations import Operations
from function_rerun.transport import Call

if TYPE_CHECKING:
    # Only for annotations: to make all these types takes tens of milliseconds.
    from function_rerun import models


class Batches(Operations):
    @overload
    def start_rerun_batch(
        self,
        *,
        filter: Mapping[str, Any] | None = None,
        run_ids: Iterable[str] | None = None,
        use_latest_code: bool | None = None,
        function_version: str | None = None,
        reason: str | None = None,
        override_params: Mapping[str, Any] | None = None,
        effects: Literal["new", "same"] | None = None,
        canary: Mapping[str, int] | None = None,
        pace: Mapping[str, float] | None = None,
        stop_when: Mapping[str, Any] | None = None,
        not_before: Moment | None = None,
        dry_run: Literal[False] | None = None,
        idempotency_key: str | None = None,
    ) -> models.BatchAccepted: ...

    @overload
    def start_rerun_batch(
        self,
        *,
        filter: Mapping[str, Any] | None = None,
        run_ids: Iterable[str] | None = None,
        use_latest_code: bool | None = None,
        function_version: str | None = None,
        reason: str | None = None,
        override_params: Mapping[str, Any] | None = None,
        effects: Literal["new", "same"] | None = None,
        canary: Mapping[str, int] | None = None,
        pace: Mapping[str, float] | None = None,
        stop_when: Mapping[str, Any] | None = None,
        not_before: Moment | None = None,
        dry_run: Literal[True],
        idempotency_key: str | None = None,
    ) -> models.BatchPlanned: ...

    def start_rerun_batch(
        self,
        *,
        filter: Mapping[str, Any] | None = None,  # noqa: A002 - its name in the API
        run_ids: Iterable[str] | None = None,
        use_latest_code: bool | None = None,
        function_version: str | None = None,
        reason: str | None = None,
        override_params: Mapping[str, Any] | None = None,
        effects: Literal["new", "same"] | None = None,
        canary: Mapping[str, int] | None = None,
        pace: Mapping[str, float] | None = None,
        stop_when: Mapping[str, Any] | None = None,
        not_before: Moment | None = None,
        dry_run: bool | None = None,
        idempotency_key: str | None = None,
    ) -> models.BatchAccepted | models.BatchPlanned:
        """Re-run all runs that match `filter`, or those of `run_ids`: a few first, then faster and faster.

        With `dry_run`, say what that would do; nothing is started. `filter`, `canary`, `pace` and `stop_when` are as
        in the API: `{"errorGroupId": …}`, `{"count": 5}`. Moments in `filter` are texts.
        """
        body = {
            "filter": filter,
            "runIds": None if run_ids is None else list(run_ids),
            "useLatestCode": use_latest_code,
            "functionVersion": function_version,
            "reason": reason,
            "overrideParams": override_params,
            "effects": effects,
            "canary": canary,
            "pace": pace,
            "stopWhen": stop_when,
            "notBefore": moment(not_before),
            "dryRun": dry_run,
        }
        answer: models.BatchAccepted | models.BatchPlanned = self._start(
            f"{self._base}/rerun-batches", body, idempotency_key
        )
        return answer

    def list_rerun_batches(self, *, limit: int | None = None, cursor: str | None = None) -> Iterator[models.BatchView]:
        """All batches, newest first, read page by page. `limit`: how many a page holds."""
        return self._items("/rerun-batches", {"limit": limit}, cursor)

    def get_rerun_batch(self, batch_id: str) -> models.BatchView:
        answer: models.BatchView = self._get(self._of_batch(batch_id))
        return answer

    def pause_rerun_batch(self, batch_id: str, *, reason: str | None = None) -> models.BatchView:
        """Start nothing more until it is resumed. What is open goes on."""
        return self._change_batch(batch_id, "pause", {"reason": reason})

    def resume_rerun_batch(
        self,
        batch_id: str,
        *,
        pace: Mapping[str, float] | None = None,
        stop_when: Mapping[str, Any] | None = None,
        reason: str | None = None,
    ) -> models.BatchView:
        """Let a paused or stopped batch go on. Not sent again if its answer is lost: it may have stopped itself since.

        Raises OutcomeUnknown then.
        """
        body = {"pace": pace, "stopWhen": stop_when, "reason": reason}
        return self._change_batch(batch_id, "resume", body, is_repeatable=False)

    def cancel_rerun_batch(
        self, batch_id: str, *, open_reruns: Literal["leave", "cancel"] | None = None, reason: str | None = None
    ) -> models.BatchView:
        """Start nothing more, for good. Re-runs that are open are left, or cancelled, too."""
        return self._change_batch(batch_id, "cancel", {"openReruns": open_reruns, "reason": reason})

    def list_batch_reruns(
        self,
        batch_id: str,
        *,
        status: models.Status | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Iterator[models.RunView]:
        """The re-runs that it has started, newest first, read page by page. `limit`: how many a page holds."""
        path = f"/rerun-batches/{segment(batch_id)}/reruns"
        return self._items(path, {"status": status, "limit": limit}, cursor)

    def _of_batch(self, batch_id: str) -> str:
        return f"{self._base}/rerun-batches/{segment(batch_id)}"

    def _change_batch(
        self, batch_id: str, change: str, body: Mapping[str, Any], *, is_repeatable: bool = True
    ) -> models.BatchView:
        call = Call(
            "POST",
            f"{self._of_batch(batch_id)}/{change}",
            body=present(body),
            changes=f"whether the batch was {_PAST[change]}",
            find_out="get_rerun_batch tells",
            is_repeatable=is_repeatable,
        )
        answer: models.BatchView = self._send(call)
        return answer


_PAST = {"pause": "paused", "resume": "resumed", "cancel": "cancelled"}
