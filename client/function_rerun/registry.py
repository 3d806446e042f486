"""The operations of the API on functions and triggers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from function_rerun.encoding import segment
from function_rerun.operations import Operations

if TYPE_CHECKING:
    # Only for annotations: to make all these types takes tens of milliseconds.
    from function_rerun import models


class Registry(Operations):
    """What changes something here is not sent again if its answer is lost: `OutcomeUnknown` is raised."""

    def register_function(
        self, *, name: str, function_arn: str, ignore_differences: Iterable[str] | None = None
    ) -> models.FunctionView:
        body = {"name": name, "functionArn": function_arn, "ignoreDifferences": _listed(ignore_differences)}
        answer: models.FunctionView = self._change(
            "POST", "/compute-functions", body, "whether the function was registered", "list_functions tells"
        )
        return answer

    def list_functions(self, *, limit: int | None = None, cursor: str | None = None) -> Iterator[models.FunctionView]:
        """All functions, read page by page. `limit`: how many a page holds."""
        return self._items("/compute-functions", {"limit": limit}, cursor)

    def get_function(self, function_id: str) -> models.FunctionView:
        answer: models.FunctionView = self._get(f"{self._base}/compute-functions/{segment(function_id)}")
        return answer

    def change_function(
        self,
        function_id: str,
        *,
        name: str | None = None,
        function_arn: str | None = None,
        capture_failures: models.CaptureBody | None = None,
        ignore_differences: Iterable[str] | None = None,
        version: int | None = None,
        if_match: str | None = None,
    ) -> models.FunctionView:
        """`version` is that of what was read, or `if_match` its ETag. What is not given stays as it is.

        Raises Stale if somebody else has changed it since.
        """
        body = {
            "name": name,
            "functionArn": function_arn,
            "captureFailures": capture_failures,
            "ignoreDifferences": _listed(ignore_differences),
            "version": version,
        }
        path = f"/compute-functions/{segment(function_id)}"
        unknown = "whether the function was changed", "get_function tells"
        answer: models.FunctionView = self._change("PUT", path, body, *unknown, if_match=if_match)
        return answer

    def delete_function(self, function_id: str) -> models.Deleted:
        path = f"/compute-functions/{segment(function_id)}"
        answer: models.Deleted = self._change(
            "DELETE", path, None, "whether the function was deleted", "get_function tells"
        )
        return answer

    def create_trigger(
        self,
        *,
        name: str,
        function_id: str,
        execution_type: models.ExecutionType,
        trigger_metadata: Mapping[str, Any] | None = None,
        enabled: bool | None = None,
        retry_policy: models.RetryPolicy | None = None,
    ) -> models.TriggerView:
        """The answer holds the secret of a trigger with signed webhooks, this once."""
        body = {
            "name": name,
            "functionId": function_id,
            "executionType": execution_type,
            "triggerMetadata": trigger_metadata,
            "enabled": enabled,
            "retryPolicy": retry_policy,
        }
        answer: models.TriggerView = self._change(
            "POST", "/function-triggers", body, "whether the trigger was created", "list_triggers tells"
        )
        return answer

    def list_triggers(self, *, limit: int | None = None, cursor: str | None = None) -> Iterator[models.TriggerSummary]:
        """All triggers, without their params, read page by page. `limit`: how many a page holds."""
        return self._items("/function-triggers", {"limit": limit}, cursor)

    def get_trigger(self, trigger_id: str) -> models.TriggerView:
        answer: models.TriggerView = self._get(f"{self._base}/function-triggers/{segment(trigger_id)}")
        return answer

    def change_trigger(
        self,
        trigger_id: str,
        *,
        name: str | None = None,
        trigger_metadata: Mapping[str, Any] | None = None,
        enabled: bool | None = None,
        retry_policy: models.RetryPolicy | None = None,
        version: int | None = None,
        if_match: str | None = None,
    ) -> models.TriggerView:
        """`version` is that of what was read, or `if_match` its ETag. What is not given stays as it is.

        Raises Stale if somebody else has changed it since.
        """
        body = {
            "name": name,
            "triggerMetadata": trigger_metadata,
            "enabled": enabled,
            "retryPolicy": retry_policy,
            "version": version,
        }
        path = f"/function-triggers/{segment(trigger_id)}"
        unknown = "whether the trigger was changed", "get_trigger tells"
        answer: models.TriggerView = self._change("PUT", path, body, *unknown, if_match=if_match)
        return answer

    def delete_trigger(self, trigger_id: str) -> models.Deleted:
        path = f"/function-triggers/{segment(trigger_id)}"
        answer: models.Deleted = self._change(
            "DELETE", path, None, "whether the trigger was deleted", "get_trigger tells"
        )
        return answer

    def rotate_secret(self, trigger_id: str, *, keep_previous: bool | None = None) -> models.TriggerView:
        """The answer holds the new secret, this once. The one before counts on, unless `keep_previous` is False."""
        path = f"/function-triggers/{segment(trigger_id)}/rotate-secret"
        find_out = "its version, which get_trigger shows, tells; rotating it once more gives a secret that is known"
        answer: models.TriggerView = self._change(
            "POST", path, {"keepPrevious": keep_previous}, "whether the secret was rotated", find_out
        )
        return answer


def _listed(values: Iterable[str] | None) -> list[str] | None:
    return None if values is None else list(values)
