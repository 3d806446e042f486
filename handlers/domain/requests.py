"""Bodies of requests: strict, closed, and refused by naming the field."""

import re
from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, InstanceOf, PlainValidator, StringConstraints, ValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from handlers.domain.errors import InvalidRequest
from handlers.domain.json_document import MAX_DEPTH, TOO_DEEP, JsonObject, depth, escaped


def _content(value: object) -> JsonObject:
    if not isinstance(value, dict):
        raise PydanticCustomError("dict_type", "should be an object")
    if depth(value) > MAX_DEPTH:
        raise PydanticCustomError("too_deep", TOO_DEEP.removesuffix("."))
    return value


# An object that is the caller's own: it may hold whatever JSON may, in its keys too, and is as deep as may be kept.
ContentField = Annotated[JsonObject, PlainValidator(_content)]
# An object whose members are read, and measured, one by one.
ObjectField = InstanceOf[JsonObject]
# A name people read and say: not blank, no control characters.
Name = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]*$")]
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)", re.ASCII)
# How pydantic begins what it has to say.
_SHOULD = re.compile(r"^[A-Z]\w* should ")


class Body(BaseModel):
    """A request body: camelCase names, no unknown fields, no coercion ("true" is not true)."""

    model_config = ConfigDict(
        alias_generator=to_camel, extra="forbid", strict=True, frozen=True, hide_input_in_errors=True
    )

    @classmethod
    def read(cls, body: JsonObject, *, within: str | None = None) -> Self:
        """Raises InvalidRequest for the first flaw. What was sent is never quoted: it may be secret.

        `within` is the field that the body stands in, if it is a part of another.
        """
        above = [] if within is None else [within]
        for name, value in body.items():
            if value is None and name in cls._names():
                raise InvalidRequest(".".join([*above, name]), "must not be null: leave it out.")
        try:
            return cls.model_validate(body)
        except ValidationError as error:
            flaw = error.errors(include_input=False, include_url=False)[0]
            field = escaped(".".join([*above, *map(str, flaw["loc"])])[:100]) or "body"
            raise InvalidRequest(field, _problem(flaw["type"], flaw["msg"])) from None

    @classmethod
    def _names(cls) -> set[str]:
        return {field.alias or name for name, field in cls.model_fields.items()}


def _problem(kind: str, message: str) -> str:
    if kind == "extra_forbidden":
        return "is not a field of this request."
    if kind == "missing":
        return "is required."
    if kind == "string_pattern_mismatch":
        return "holds a character that is not allowed there."
    if kind in ("dict_type", "is_instance_of"):
        return "must be a JSON object."
    return f"{_SHOULD.sub('must ', message)}."


def parse_moment(text: str, *, field: str) -> datetime:
    """Raises InvalidRequest."""
    try:
        if _MOMENT.fullmatch(text):
            return datetime.fromisoformat(text)
    except ValueError:
        pass  # the 31st of June, say
    raise InvalidRequest(field, "must be a moment with its offset from UTC, like 2026-12-24T18:00:00Z.")
