"""The proxy's own process: `python -m tests.faults.proxy_process UPSTREAM PORT`.

It is microburst, but for what its command line leaves no choice about. The emulator checks signatures, as AWS does, so
a request has to go on to it as it was signed.
"""

import sys
from collections.abc import Mapping
from typing import Any

from aiohttp import web
from microburst import models
from microburst.app import make_app
from microburst.core import pipeline
from microburst.forward import Upstream
from yarl import URL

from infra.local.emulator.process import HOST

# DynamoDB takes transactions of 4 MB, Lambda events of 6; aiohttp, unless told, bodies of 1.
LARGEST_BODY = 16 * 1024 * 1024


class Verbatim(str):
    """An address that a path is added to as it is: a function's ARN in it keeps its `%3A`."""

    __slots__ = ()

    def __add__(self, path: str) -> URL:  # type: ignore[override] # what aiohttp leaves as it is
        return URL(f"{self}{path}", encoded=True)


class AsSigned(Upstream):  # type: ignore[misc] # microburst is untyped
    """Passes requests on under the host they were signed for, and loses answers whole."""

    def __init__(self, address: str, stats: Any) -> None:
        super().__init__(address, resign=False, stats=stats)
        self.base_url = Verbatim(address)

    def _outbound_headers(self, request: web.Request) -> Mapping[str, str]:
        headers: dict[str, str] = super()._outbound_headers(request)
        return headers | {"host": request.headers["Host"]}

    async def relay(
        self, request: web.Request, body: bytes | None, mutator: Any = None, data: Any = None
    ) -> web.StreamResponse:
        if mutator is None:
            response: web.StreamResponse = await super().relay(request, body, mutator, data)
            return response
        # By itself it breaks off within the body, and so never loses an answer without one: of DeleteMessage, say.
        address, headers = self.base_url + request.rel_url.raw_path_qs, self._outbound_headers(request)
        payload = request.content if body is None else body
        async with self.session.request(request.method, address, headers=headers, data=payload) as answer:
            await answer.read()
        if request.transport is not None:
            request.transport.abort()
        return web.Response()  # never written


def recognise_copies() -> None:
    """CopyObject is taken for the PutObject whose path it shares."""
    recognised = pipeline.detect

    def detect(headers: Mapping[str, str], *request: Any) -> Any:
        found = recognised(headers, *request)
        if found.operation == "PutObject" and "x-amz-copy-source" in headers:
            found.operation = "CopyObject"
        return found

    pipeline.detect = detect


def main(upstream: str, port: str) -> None:
    recognise_copies()
    # It puts a namespace before every error of SQS. AWS does not for those that are injected here, so that the SDK
    # would not know them for throttling.
    models._QUERY_ERROR_NAMESPACE.pop("sqs")
    microburst = pipeline.Microburst(upstream, resign=False)
    microburst.upstream = AsSigned(upstream, microburst.stats)
    app = make_app(microburst)
    app._client_max_size = LARGEST_BODY
    web.run_app(app, host=HOST, port=int(port), print=None, access_log=None)


if __name__ == "__main__":
    main(*sys.argv[1:])
