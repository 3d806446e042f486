"""JSON documents in the form in which they are compared: equal values are equal in Python, but for `True` and `1`."""

import re

from handlers.domain.json_document import JsonValue, parse

# A number that is written with a fraction or an exponent and may be whole. Within a string it does no harm.
_MAY_BE_WHOLE = re.compile(rb"\d(?:\.0+(?!\d)|[eE])")


def comparable(content: bytes) -> JsonValue:
    """The value, in which `1.0` and `1e0` are `1`: JavaScript cannot tell them apart.

    Raises InvalidRequest for what is not JSON to this service: it is compared byte by byte.
    """
    value = parse(content)
    return _with_whole_numbers(value) if _MAY_BE_WHOLE.search(content) else value


def _with_whole_numbers(value: JsonValue) -> JsonValue:
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, dict):
        return {name: _with_whole_numbers(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_with_whole_numbers(each) for each in value]
    return value
