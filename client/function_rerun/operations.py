"""How the operations of the API are asked for."""

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import uuid4

from function_rerun import pages
from function_rerun.encoding import header, present, query, segment
from function_rerun.transport import Call, Transport

_SAME_KEY = "the same call with this idempotency_key tells, and starts nothing again"


class Operations:
    _transport: Transport
    _base: str
    """The path of the workspace."""

    def _of_run(self, run_id: str) -> str:
        return f"{self._base}/function-runs/{segment(run_id)}"

    def _items(self, path: str, filters: Mapping[str, Any], cursor: str | None) -> Iterator[Any]:
        return pages.all_items(lambda at: self._get(f"{self._base}{path}", {**filters, "cursor": at}), cursor)

    def _get(self, path: str, parameters: Mapping[str, Any] | None = None) -> Any:
        return self._send(Call("GET", path, query=query(parameters or {})))

    def _send(self, call: Call) -> Any:
        return self._transport.send(call)

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

    def _change(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        changes: str,
        find_out: str,
        *,
        if_match: str | None = None,
    ) -> Any:
        call = Call(
            method,
            f"{self._base}{path}",
            body=None if body is None else present(body),
            headers={} if if_match is None else {"If-Match": header("if_match", if_match)},
            changes=changes,
            find_out=find_out,
            is_repeatable=False,
        )
        return self._send(call)
