"""What an operation of the API is: its route, who may call it, what it takes and what it can answer."""

import re
from enum import Enum
from http import HTTPStatus
from typing import Any, Literal, NamedTuple

from pydantic.alias_generators import to_snake

from handlers.api.views import View
from handlers.domain import errors, paging
from handlers.domain.ids import GROUP_ID_PATTERN
from handlers.domain.query import MAX_TEXT
from handlers.domain.requests import Body
from handlers.domain.starting.idempotency import HEADER

BASE = "/workspace/{workspace}/api/v1"
_PARAMETER = re.compile(r"\{(\w+)\+?\}")

ANY_CONTENT: Literal["any content"] = "any content"


class Grant(NamedTuple):
    """What a caller's token has to permit, in the workspace of the path."""

    resource: str
    action: str

    def __str__(self) -> str:
        return f"{self.resource}:{self.action}"


class Public(Enum):
    """What takes the place of a grant where no token is asked for."""

    SIGNATURE = "the webhook's signature"
    NOTHING = "none"


class Parameter(NamedTuple):
    """A parameter of the query or a header. `schema` is its JSON schema, without which it is any text."""

    name: str
    description: str
    schema: dict[str, Any] = {"type": "string"}  # noqa: RUF012 - nobody changes it
    required: bool = False
    grant: Grant | None = None
    """What a request with it needs besides the operation's own grant."""
    audited: str | None = None
    """The action in the audit line that a request with it leaves, if the operation leaves none."""


class Reveals(NamedTuple):
    """What more is answered to callers with a grant, and the action in the audit that this leaves."""

    grant: Grant
    audited: str | None = None


REVEAL = Grant("function-runs", "reveal")


class Operation(NamedTuple):
    id: str
    entry_point: str
    """The module below `handlers` that answers it."""
    method: str
    path: str
    """Below the base."""
    access: Grant | Public
    summary: str
    responses: dict[HTTPStatus, type[View] | None]
    """None: an answer without a body."""
    refusals: tuple[type[errors.ServiceError], ...] = ()
    """Those of its own, beside the ones that follow from what else is said here."""
    description: str = ""
    request: type[Body] | Literal["any content"] | None = None
    example: dict[str, Any] = {}  # noqa: RUF012 - nobody changes it
    """Of its request."""
    query: tuple[Parameter, ...] = ()
    headers: tuple[Parameter, ...] = ()
    audited: str | None = None
    """The action in the audit line that it leaves."""
    base: str = BASE
    reveals: Reveals | None = None
    answer: dict[str, Any] = {}  # noqa: RUF012 - nobody changes it
    """An example of what it answers, if that needs one."""

    @property
    def full_path(self) -> str:
        return self.base + self.path

    @property
    def route_key(self) -> str:
        """The route as API Gateway names it."""
        return f"{self.method} {self.full_path}"

    @property
    def rule(self) -> str:
        """The path as Powertools matches it: `/workspace/<workspace>/…`, parameters named as Python does."""
        return _PARAMETER.sub(lambda match: f"<{to_snake(match[1])}>", self.full_path)

    @property
    def needs_token(self) -> bool:
        return isinstance(self.access, Grant)

    @property
    def path_parameters(self) -> list[str]:
        return _PARAMETER.findall(self.full_path)

    @property
    def all_refusals(self) -> list[type[errors.ServiceError]]:
        """All that it can answer instead of what was asked for."""
        refusals = [*self.refusals]
        if isinstance(self.access, Grant):
            refusals += [errors.Unauthenticated, errors.Forbidden, errors.InvalidRequest]
        if self.request is not None:
            refusals += [errors.InvalidRequest, errors.TooLarge]
        if self.headers:
            refusals += [errors.InvalidRequest]
        return list(dict.fromkeys([*refusals, *_FAULTS]))


# What any of them may answer if AWS or the service itself is at fault.
_FAULTS = (errors.Unavailable, errors.Misconfigured, errors.ServiceError)
PAGE = (
    Parameter(
        "limit",
        "How many items a page holds at most.",
        {"type": "integer", "minimum": 1, "maximum": paging.MAX_SIZE, "default": paging.DEFAULT_SIZE},
    ),
    Parameter(
        "cursor",
        "The `meta.nextCursor` (of a re-run history: `nextCursor`) of the page before, as it is. "
        "Without it: the first page.",
    ),
)
GROUP_ID = {"type": "string", "pattern": f"^{GROUP_ID_PATTERN}$"}
TEXT = {"type": "string", "minLength": 1, "maxLength": MAX_TEXT}
IDEMPOTENCY_KEY = Parameter(
    HEADER,
    "A key of your own, a new UUID for example: the same request sent again with it within 24 hours starts nothing "
    "again and is answered with the same ids. Another request with it is refused (`IDEMPOTENCY_KEY_REUSED`).",
    {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]*$"},
)
# Of what executes a run's input again, in the order in which they are checked once the body is valid.
REPEATING_REFUSALS = (
    errors.InvalidRunId,
    errors.IdempotencyKeyReused,
    errors.RunNotFound,
    errors.WrongWorkspace,
    errors.OrchestrationRun,
    errors.NoParameters,
    errors.DecryptionFailed,
    errors.TriggerNotFound,
    errors.FunctionNotFound,
    errors.FunctionNotPermitted,
)
IF_MATCH = Parameter(
    "If-Match",
    "The `ETag` of the version that is changed, as GET answered it. Required unless the body names its `version`.",
    {"type": "string", "examples": ['"3"']},
)


def registry_operation(id_: str, route: str, summary: str, **described: Any) -> Operation:
    """One on functions or triggers: GET needs the grant to read them, all else that to write them and is audited."""
    method, _, path = route.partition(" ")
    is_read = method == "GET"
    return Operation(
        id=id_,
        entry_point="api_registry",
        method=method,
        path=path,
        access=Grant(path.split("/")[1], "read" if is_read else "write"),
        summary=summary,
        audited=None if is_read else to_snake(id_).replace("_", "-"),
        **described,
    )
