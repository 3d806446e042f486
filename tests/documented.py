"""What the OpenAPI document says of an answer."""

from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from handlers.api.catalogue import OPERATIONS
from handlers.api.openapi import Login, openapi
from handlers.api.operations import Operation

LOGIN = Login("https://api.example.com", "https://issuer.example.com/", "a-client")


@cache
def described() -> dict[str, Any]:
    return openapi(LOGIN)


@cache
def validator(reference: str) -> Draft202012Validator:
    """`reference` is a place in the document, like `#/components/schemas/Error`."""
    return Draft202012Validator({"$ref": reference, **described()})


@cache
def _answer(route_key: str, status: int) -> Draft202012Validator:
    assert "content" in _described(route_key, status)
    operation, path = _found(route_key)
    path = path.replace("/", "~1").replace("{", "%7B").replace("}", "%7D")
    place = f"#/paths/{path}/{operation.method.lower()}/responses/{status}/content/application~1json/schema"
    return validator(place)


def _described(route_key: str, status: int) -> dict[str, Any]:
    operation, path = _found(route_key)
    responses: dict[str, Any] = described()["paths"][path][operation.method.lower()]["responses"]
    assert str(status) in responses, f"{route_key} is not said to answer {status}"
    found: dict[str, Any] = responses[str(status)]
    return found


def _found(route_key: str) -> tuple[Operation, str]:
    [operation] = (each for each in OPERATIONS if each.route_key == route_key)
    return operation, operation.full_path.replace("+}", "}")


def check_answer(route_key: str, status: int, document: Any) -> None:
    """The answer is one that the document names for this operation and status: a refusal by its code.

    `document` is None for an answer without a body.
    """
    if document is None:
        assert "content" not in _described(route_key, status)
        return
    flaws = [f"{each.json_path}: {each.message}" for each in _answer(route_key, status).iter_errors(document)]
    assert not flaws, (route_key, status, flaws)
