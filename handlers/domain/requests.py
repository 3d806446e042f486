"""Bodies of requests: strict, closed, and refused by naming the field."""

import re
import unicodedata
from collections.abc import Callable
from datetime import datetime
from itertools import islice
from typing import Annotated, Any, LiteralString, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    InstanceOf,
    PlainValidator,
    StringConstraints,
    ValidationError,
    WrapValidator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from handlers.domain import clock
from handlers.domain.errors import InvalidRequest
from handlers.domain.json_document import MAX_DEPTH, TOO_DEEP, JsonObject, depth, escaped

_NO_MOMENT = "must be a moment with its offset from UTC, like 2026-12-24T18:00:00Z"
# Invisible, although Unicode does not class them as spaces or controls: Hangul's fillers, and Braille without a dot.
_UNSEEN = frozenset("\u115f\u1160\u3164\uffa0\u2800")


def is_blank(text: str) -> bool:
    """Whether there is nothing to see: spaces, direction marks and other controls, accents on nothing."""
    return all(each in _UNSEEN or unicodedata.category(each)[0] in "ZCM" for each in text)


def _not_blank(text: str) -> str:
    if is_blank(text):
        raise PydanticCustomError("blank", "must not be blank")
    return text


def explained(problem: LiteralString) -> WrapValidator:
    """Says what a pattern allows, instead of the pattern."""

    def check(value: Any, validate: Callable[[Any], Any]) -> Any:
        try:
            return validate(value)
        except ValidationError as error:
            if error.errors(include_input=False)[0]["type"] != "string_pattern_mismatch":
                raise
        raise PydanticCustomError("pattern", problem)

    return WrapValidator(check)


def _a_moment(value: object) -> object:
    moment = clock.moment_of(value) if isinstance(value, str) else value
    if moment is None:
        raise PydanticCustomError("moment", _NO_MOMENT)
    return moment


def _content(value: object) -> JsonObject:
    if not isinstance(value, dict):
        raise PydanticCustomError("dict_type", "should be an object")
    if depth(value) > MAX_DEPTH:
        raise PydanticCustomError("too_deep", TOO_DEEP.removesuffix("."))
    return value


# A JSON object of the caller's: any keys, up to 100 levels.
ContentField = Annotated[JsonObject, PlainValidator(_content, json_schema_input_type=JsonObject)]
# An object whose members are read, and measured, one by one.
ObjectField = InstanceOf[JsonObject]
# A name people read and say: not blank, no control characters.
_IN_A_NAME = StringConstraints(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]*$")
Name = Annotated[str, _IN_A_NAME, explained("must not hold control characters"), AfterValidator(_not_blank)]
# The number of a version, as AWS gives it.
VERSION_PATTERN = "[1-9][0-9]{0,18}"
VersionNumber = Annotated[
    str, Field(pattern=f"^{VERSION_PATTERN}$"), explained("must be the number of a version, like 8")
]
# A moment after RFC 3339, which is a text in JSON.
Moment = Annotated[datetime, BeforeValidator(_a_moment)]
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
        known = {name: body[name] for name in cls._names() if name in body}
        for name, value in known.items():
            if value is None:
                raise InvalidRequest(".".join([*above, name]), "must not be null: leave it out.")
        # One field too many is enough to refuse a body: it may hold a million of them.
        unknown = dict.fromkeys(islice((name for name in body if name not in known), 1))
        try:
            return cls.model_validate(known | unknown, by_alias=True, by_name=False)
        except ValidationError as error:
            flaw = error.errors(include_input=False, include_url=False)[0]
            field = escaped(".".join([*above, *map(str, flaw["loc"])])[:100]) or "body"
            raise InvalidRequest(field, _problem(flaw["type"], flaw["msg"])) from None

    @classmethod
    def from_item(cls, stored: JsonObject) -> Self:
        """One that was read and stored, perhaps by another release. Raises ValidationError."""
        return cls.model_validate(stored, strict=False, extra="ignore")

    @classmethod
    def _names(cls) -> list[str]:
        return [field.alias or name for name, field in cls.model_fields.items()]


def _problem(kind: str, message: str) -> str:
    if kind == "extra_forbidden":
        return "is not a field of this request."
    if kind == "missing":
        return "is required."
    if kind in ("dict_type", "is_instance_of", "model_type"):
        return "must be a JSON object."
    if kind in ("too_long", "too_short"):
        message = message.replace(" after validation", "")
    return f"{_SHOULD.sub('must ', message)}."


def parse_moment(text: str, *, field: str) -> datetime:
    """Raises InvalidRequest."""
    moment = clock.moment_of(text)
    if moment is None:
        raise InvalidRequest(field, f"{_NO_MOMENT}.")
    return moment
