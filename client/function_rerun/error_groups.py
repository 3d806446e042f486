"""The operations of the API on error groups."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from function_rerun.encoding import Moment, joined, moment, segment
from function_rerun.operations import Operations

if TYPE_CHECKING:
    # Only for annotations: to make all these types takes tens of milliseconds.
    from function_rerun import models


class ErrorGroups(Operations):
    def list_error_groups(
        self,
        *,
        function_id: str | None = None,
        state: models.GroupState | None = None,
        from_: Moment | None = None,
        to: Moment | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Iterator[models.ErrorGroupView]:
        """Those with a failure in the time, by default in the last 24 hours; newest opened first, read page by page.

        `limit`: how many a page holds.
        """
        filters = {
            "functionId": function_id,
            "state": state,
            "from": moment(from_),
            "to": moment(to),
            "limit": limit,
        }
        return self._items("/error-groups", filters, cursor)

    def get_error_group(
        self,
        error_group_id: str,
        *,
        from_: Moment | None = None,
        to: Moment | None = None,
        include: Iterable[str] = (),
    ) -> models.ErrorGroupView:
        """`include`: `frames`, to reveal in which functions its error is raised. That leaves an audit line."""
        parameters = {"from": moment(from_), "to": moment(to), "include": joined(include)}
        answer: models.ErrorGroupView = self._get(f"{self._base}/error-groups/{segment(error_group_id)}", parameters)
        return answer

    def change_error_group(
        self,
        error_group_id: str,
        *,
        state: models.GroupState,
        resolved_in_version: str | None = None,
        reason: str | None = None,
        version: int | None = None,
        if_match: str | None = None,
    ) -> models.ErrorGroupView:
        """`version` is that of what was read, or `if_match` its ETag.

        Raises Stale if somebody else has changed it, or a failure has opened it again, since.
        """
        body = {"state": state, "resolvedInVersion": resolved_in_version, "reason": reason, "version": version}
        path = f"/error-groups/{segment(error_group_id)}"
        unknown = "whether the error group was changed", "get_error_group tells"
        answer: models.ErrorGroupView = self._change("PUT", path, body, *unknown, if_match=if_match)
        return answer
