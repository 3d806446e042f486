"""Requests that AWS refuses because of its API's model: botocore ships these models, but does not check all of it.

These are lengths, patterns, ranges and enumerations, for services that answer all of them with a ValidationException.
"""

import functools
import re
from collections.abc import Iterator, Mapping
from typing import Any

import botocore.session


def violation(service: str, operation: str, request: Mapping[str, Any]) -> str | None:
    """AWS's sentence about the first part of a request that the model does not allow."""
    shape = _model(service).operation_model(operation).input_shape
    found = next(_violations(shape, request, ""), None)
    return None if found is None else f"1 validation error detected: {found}"


@functools.cache
def _model(service: str) -> Any:
    return botocore.session.get_session().get_service_model(service)


def _violations(shape: Any, value: Any, path: str) -> Iterator[str]:
    if value is None:
        return
    if problem := _problem(shape, value):
        yield f"Value at '{path}' failed to satisfy constraint: Member must {problem}"
    for part, at, inner in _parts(shape, value):
        yield from _violations(part, inner, f"{path}.{at}" if path else at)


def _parts(shape: Any, value: Any) -> Iterator[tuple[Any, str, Any]]:
    if shape.type_name == "structure" and isinstance(value, Mapping):
        yield from ((member, _lower(name), value.get(name)) for name, member in shape.members.items())
    elif shape.type_name == "list" and isinstance(value, list):
        yield from ((shape.member, f"{number}.member", each) for number, each in enumerate(value, 1))


def _lower(name: str) -> str:
    return name[:1].lower() + name[1:]


def _problem(shape: Any, value: Any) -> str | None:
    least, most, pattern, enum = (shape.metadata.get(name) for name in ("min", "max", "pattern", "enum"))
    what, size = ("value", value) if isinstance(value, int) else ("length", _length(value))
    if size is not None and least is not None and size < least:
        return f"have {what} greater than or equal to {least}"
    if size is not None and most is not None and size > most:
        return f"have {what} less than or equal to {most}"
    if pattern is not None and not re.fullmatch(pattern, str(value)):
        return f"satisfy regular expression pattern: {pattern}"
    if enum and value not in enum:
        return f"satisfy enum value set: {enum}"
    return None


def _length(value: Any) -> int | None:
    return len(value) if isinstance(value, str | list | dict) else None
