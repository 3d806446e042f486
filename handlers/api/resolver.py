"""What the entry points of the API share: the resolver, the caller, strict bodies."""

import base64
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import timedelta
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError

from handlers.api.operations import Operation, Public
from handlers.api.responses import error_response
from handlers.domain import errors
from handlers.domain.audit.act import Act, Action
from handlers.domain.identity import Caller
from handlers.domain.json_document import JsonObject, JsonValue, compact, parse_object
from handlers.domain.paging import Page
from handlers.domain.starting.idempotency import HEADER, IdempotencyKey, request_key
from handlers.telemetry import AuditLine, audited

# Larger bodies are refused unread. Of the 6 MB that a Lambda can be sent, base64 takes a third; so every body of this
# size arrives if it is sent with a content type that API Gateway encodes. One of text/…, application/json, …/xml or
# …/javascript comes as an escaped text within a JSON text instead: less of it may fit, or more. What does not fit is
# refused by API Gateway, before anything of ours can answer.
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html, and for the content types, which are not
# documented but were tried out: https://github.com/ministackorg/ministack/pull/766
MAX_BODY_BYTES = 4_500_000

Route = Callable[..., Response[Any]]


class PermittedRequest(NamedTuple):
    """Who asks for what, and the audit line that the request leaves if it is audited."""

    caller: Caller
    line: AuditLine
    workspace: str
    action: str | None = None
    """What an audited request does if it is accepted."""

    def done(self, kept_for: timedelta) -> Act:
        """The act that it is: to be written with what it changes."""
        return Act.done(Action(self.action or ""), self.caller.subject, self.workspace, kept_for=kept_for)


class Resolver(APIGatewayHttpResolver):
    """Powertools' resolver, which answers our errors in our words and never with a stack trace.

    What it resolves is what `from_gateway` makes of an event.
    """

    def __init__(self) -> None:
        super().__init__(serializer=compact)
        self.exception_handler(Exception)(self._answer_error)
        self.not_found(self._answer_not_found)

    def operation(self, operation: Operation) -> Callable[[Route], Route]:
        """The decorator of the function that answers it, which is given the parameters of the path.

        It is called only if the caller has the grants that the operation and the parameters of the query ask for.
        """

        def register(answer: Route) -> Route:
            # As a decorator, a context manager leaves no frame of ours between the resolver and what answers.
            return self.route(operation.rule, method=operation.method)(self._permitted(operation)(answer))

        return register

    @contextmanager
    def _permitted(self, operation: Operation) -> Iterator[None]:
        """Checks the grants, then the query. What is audited leaves its line: done, refused, or not permitted.

        Raises Unauthenticated, Forbidden or InvalidRequest.
        """
        if isinstance(operation.access, Public):
            yield
            return
        path: dict[str, str] = self.request.path_parameters
        sent = [each for each in operation.query if each.grant and each.name in self.query()]
        action = operation.audited or next((each.audited for each in sent), None)
        auditing: AbstractContextManager[AuditLine] = audited(action, **path) if action else nullcontext({})
        with auditing as line:
            caller = self._caller()
            line["by"] = caller.subject
            for grant in (operation.access, *(each.grant for each in sent if each.grant)):
                caller.require(path["workspace"], *grant)
            self._check_query(operation)
            self.context["permitted"] = PermittedRequest(caller, line, path["workspace"], action)
            yield

    @property
    def permitted(self) -> PermittedRequest:
        """The request that is being answered, if it needs a token."""
        permitted: PermittedRequest = self.context["permitted"]
        return permitted

    def _caller(self) -> Caller:
        """Raises Unauthenticated."""
        authorizer = self.current_event.request_context.authorizer
        return Caller.of_claims(authorizer.jwt_claim if authorizer else {})

    def _check_query(self, operation: Operation) -> None:
        """What would have no effect is refused: a mistyped `dryRun=true`, for example, must not start anything.

        Raises InvalidRequest.
        """
        unknown = self.query().keys() - {each.name for each in operation.query}
        if unknown:
            raise errors.InvalidRequest(min(unknown)[:100], "is not a query parameter of this operation.")
        # API Gateway joins the values of a name that is sent more than once by commas.
        sent = [name for name, _ in parse_qsl(self.current_event.get("rawQueryString") or "", keep_blank_values=True)]
        for each in operation.query:
            if sent.count(each.name) > 1:
                raise errors.InvalidRequest(each.name, "is sent more than once.")

    def query(self) -> dict[str, str]:
        return self.current_event.query_string_parameters

    def page(self) -> Page:
        """Raises InvalidRequest."""
        return Page.from_query(self.query().get("limit"), self.query().get("cursor"))

    def header(self, name: str) -> str | None:
        """A request header by its name in lower case, as API Gateway hands all of them over."""
        return self.current_event.headers.get(name)

    def request_key(self, workspace: str, request: JsonValue) -> IdempotencyKey | None:
        """The idempotency key that the caller has sent with what is asked for. Raises InvalidRequest."""
        return request_key(self.header(HEADER.lower()), workspace, f"caller:{self.permitted.caller.subject}", request)

    def body(self) -> JsonObject:
        """Raises InvalidRequest or TooLarge."""
        # How deep content may be is asked of the fields that hold it.
        return parse_object(self.raw_body(), max_depth=None)

    def raw_body(self) -> bytes:
        """Raises InvalidRequest or TooLarge."""
        body = self.current_event.body or ""
        encoded = self.current_event.is_base64_encoded
        # A quarter of base64 is not the body's; no character of a text is less than a byte. So this is cheap to tell.
        at_least = len(body) // 4 * 3 - 2 if encoded else len(body)
        try:
            if at_least <= MAX_BODY_BYTES:
                text = base64.b64decode(body) if encoded else body.encode(errors="surrogatepass")
                if len(text) <= MAX_BODY_BYTES:
                    return text
        except ValueError:  # not base64, or not even ASCII
            raise errors.InvalidRequest("body", "is not valid base64.") from None
        raise errors.TooLarge("body", f"is larger than {MAX_BODY_BYTES} bytes.")

    def _answer_error(self, error: Exception) -> Response[Any]:
        return error_response(error, self.current_event.request_context.request_id)

    def _answer_not_found(self, _: NotFoundError) -> Response[Any]:
        if self.current_event.path:
            return self._answer_error(errors.NotFound("Route"))
        malformed = errors.InvalidRequest("event", "is not an event of API Gateway.")
        return error_response(malformed, self.lambda_context.aws_request_id)


# Takes the place of what only those can send who invoke the Lambda directly.
_MALFORMED: JsonObject = {"rawPath": "", "requestContext": {"stage": "$default", "http": {"method": "GET"}}}


def from_gateway(event: dict[str, Any]) -> dict[str, Any]:
    """The event with its path rebuilt from API Gateway's own match, each parameter percent-encoded.

    Powertools matches the path again with an alphabet of its own: an id with a quote or a slash in it would become
    "no such route" instead of the contract's "Invalid run ID.". An id or workspace that is valid has nothing to encode.
    """
    try:
        path = event.get("routeKey", "").partition(" ")[2]
        for name, value in (event.get("pathParameters") or {}).items():
            quoted = quote(str(value), safe="", errors="replace")
            path = path.replace(f"{{{name}}}", quoted).replace(f"{{{name}+}}", quoted)
        context = event["requestContext"] | {"stage": "$default"}
        texts = [context["requestId"], context["http"]["method"], event.get("body") or ""]
        texts.append(event.get("rawQueryString") or "")
        texts += (event.get("headers") or {}).values()
    except (AttributeError, KeyError, TypeError):
        return _MALFORMED
    if not all(isinstance(each, str) for each in texts):
        return _MALFORMED
    return event | {"rawPath": path, "requestContext": context}
