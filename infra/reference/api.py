"""The API's reference: its methods, its errors, and the OpenAPI document without the addresses of any stack."""

import json
from collections.abc import Iterable

from handlers.api.catalogue import OPERATIONS
from handlers.api.openapi import Login, example_of, openapi
from handlers.api.operations import ANY_CONTENT, Operation, Public
from handlers.api.responses import status_of
from handlers.domain.errors import ServiceError
from infra.reference.remedies import REMEDIES

# The document that a stack serves names the stack's own.
DOCUMENTED = Login("https://api.example.com", "https://issuer.example.com")


def openapi_json() -> str:
    return json.dumps(openapi(DOCUMENTED), indent=1, ensure_ascii=False) + "\n"


def methods_table() -> str:
    return _table("Method and path", "Grant", "Body, query or header", "Answer", "", rows=map(_method, OPERATIONS))


def _method(operation: Operation) -> tuple[str, ...]:
    shown = operation.responses.items()
    answers = [f"{status.value} {view.__name__}" if view else str(status.value) for status, view in shown]
    about = f"**{operation.summary}.** {operation.description}".strip()
    return f"`{operation.method} {operation.path}`", _access(operation), _sent(operation), ", ".join(answers), about


def _access(operation: Operation) -> str:
    if isinstance(operation.access, Public):
        return operation.access.value
    more = [f"with `{each.name}` {each.grant}" for each in operation.query if each.grant]
    more += [f"for all of it {operation.reveals.grant}"] if operation.reveals else []
    return "; ".join([str(operation.access), *more])


def _sent(operation: Operation) -> str:
    """The fields of its body, the parameters of its query, its headers; with a ? those that may be left out."""
    if operation.request == ANY_CONTENT:
        return "anything"
    fields = operation.request.model_fields.values() if isinstance(operation.request, type) else ()
    body = [f"{each.alias}{'' if each.is_required() else '?'}" for each in fields]
    others = [f"{each.name}{'' if each.required else '?'}" for each in (*operation.query, *operation.headers)]
    return " ".join(f"`{each}`" for each in (*body, *others))


def errors_table() -> str:
    refused = {error for each in OPERATIONS for error in each.all_refusals}
    ordered = sorted(refused, key=lambda each: (status_of(each), each.code, each.__name__))
    return _table(
        "Status", "`code`", "Message, or an example of it", "What to do", "Answered by", rows=map(_error, ordered)
    )


def _error(error: type[ServiceError]) -> tuple[str, ...]:
    by = [each.id for each in OPERATIONS if error in each.all_refusals]
    with_token = [each.id for each in OPERATIONS if each.needs_token]
    who = "all" if {*by} >= {*with_token} else ", ".join(by)
    return str(status_of(error).value), error.code, str(example_of(error)["message"]), REMEDIES[error], who


def _table(*head: str, rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
