"""JSON Pointers (RFC 6901) with `*` for any one member or element: which differences of two results do not count.

https://datatracker.ietf.org/doc/html/rfc6901
"""

from typing import Annotated

from pydantic import Field, StringConstraints

from handlers.domain.requests import explained

_CHARACTER = "([^~/]|~[01])"
_SEGMENT = f"(/{_CHARACTER}*)"
_NAMED = f"/(([^~/*]|~[01]){_CHARACTER}*|[*]{_CHARACTER}+)?"
# Neither the empty pointer nor one of `*` only: to ignore the whole of a result would make any two results equal.
_POINTER = StringConstraints(max_length=512, pattern=f"^{_SEGMENT}*{_NAMED}{_SEGMENT}*$")

IgnoredPointers = Annotated[
    list[
        Annotated[
            str, _POINTER, explained("must be a JSON Pointer that names a key, like /orderId or /items/*/createdAt")
        ]
    ],
    Field(
        max_length=50,
        description="JSON Pointers to what is left out when two results are compared, such as `/orderId` or "
        "`/items/*/createdAt`; `*` is any member or element.",
    ),
]
