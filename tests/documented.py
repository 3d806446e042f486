"""What the OpenAPI document says of an answer."""

from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from handlers.api.catalogue import OPERATIONS
from handlers.api.openapi import Login, openapi

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
    [operation] = (each for each in OPERATIONS if each.route_key == route_key)
    path = operation.full_path.replace("+}", "}")
    responses = described()["paths"][path][operation.method.lower()]["responses"]
    assert str(status) in responses, f"{route_key} is not said to answer {status}"
    path = path.replace("/", "~1").replace("{", "%7B").replace("}", "%7D")
    place = f"#/paths/{path}/{operation.method.lower()}/responses/{status}/content/application~1json/schema"
    return validator(place)


def check_answer(route_key: str, status: int, document: Any) -> None:
    """The answer is one that the document names for this operation and status: a refusal by its code."""
    flaws = [f"{each.json_path}: {each.message}" for each in _answer(route_key, status).iter_errors(document)]
    assert not flaws, (route_key, status, flaws)
