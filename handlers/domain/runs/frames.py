"""The names of the functions in which an error was raised, as Lambda's runtimes write them.

Every runtime sends `errorType` and `errorMessage`, and a trace in a form of its own:

    Python   stackTrace  `  File "/var/task/app.py", line 3, in handler` and its code, the innermost last;
                         up to Python 3.6 `["/var/task/app.py", 3, "handler", "raise …"]`
    Node.js  trace       the message, then `    at handler (/var/task/index.js:2:3)`; before Node.js 10 `stackTrace`
                         with `handler (/var/task/index.js:2:3)`
    Java     stackTrace  `com.acme.Card.charge(Card.java:55)`, and the same of each `cause`
    .NET     stackTrace  `at Acme.Card.Charge(Decimal amount) in /src/Card.cs:line 12`, and the same of each `cause`
    Ruby     stackTrace  ``/var/task/function.rb:3:in `first'``
    Go       stackTrace  `{"path": "card.go", "line": 55, "label": "charge"}`
    PHP      stackTrace  `#0 /var/task/card.php(12): Card->charge(Object(Amount))` (Bref)

https://docs.aws.amazon.com/lambda/latest/dg/python-exceptions.html, and the like for the other runtimes.

Messages, arguments, files and line numbers are left out: they change with the input and with every deploy.
"""

import re
from collections.abc import Iterator
from itertools import groupby, islice
from typing import NamedTuple

from handlers.domain.errors import InvalidRequest
from handlers.domain.json_document import JsonObject, JsonValue, parse

# Of one error, its causes included.
MAX_FRAMES = 50
MAX_NAME = 200
# Of one trace: a function that called itself too often has a thousand of them.
_MAX_LINES = 1000
_MAX_LINE = 1000
_MAX_CAUSES = 5

_PYTHON = re.compile(r'\s*File "(?P<place>[^"]*)", line \d+, in (?P<name>[^\n]+)')
# In the order in which they are tried. Node.js has a space before its bracket, .NET has none.
_FORMS = (
    _PYTHON,
    re.compile(r"\s*at (?:async )?(?:new )?(?P<name>[^\n(]+?) \((?P<place>[^\n]*)\)$"),
    re.compile(r"\s*at (?P<name>[^\s(]+)\("),
    re.compile(r"\s*at (?:async )?(?P<place>\S+:\d+:\d+)$"),
    re.compile(r"(?P<place>[^\n]*?):\d+:in [`'](?P<name>[^\n]*)'$"),
    re.compile(r"#\d+ (?P<place>[^\n(\[]*\(\d+\)|\[internal function\]): (?P<name>[^\n(]+)\("),
    re.compile(r"(?P<name>[^\s(]+) ?\((?P<place>[^\n]*)\)$"),
)
_NODE = re.compile(r"\s*at ")
# How the runtime has come to the function is not the function's, and changes without a deploy.
# Go's trace of a panic begins with what has caught and raised it.
_RUNTIME_PLACES = re.compile(
    r"node:|internal/|<frozen importlib|(.*/)?var/runtime/|(.*/go/src/)?(runtime|reflect)/"
    r"|(.*/)?github\.com/aws/aws-lambda-go[@/]"
)
_RUNTIME_NAMES = re.compile(
    r"(java\.base/)?(lambdainternal\.|com\.amazonaws\.services\.lambda\.runtime\.|Amazon\.Lambda\.RuntimeSupport\."
    r"|(jdk\.internal|sun|java\.lang)\.reflect\.|lambda_method\d*$)"
)
# What compilers and frameworks number: `lambda$total$3`, `Card$$Lambda$14/0x0000000800c8`, `$Proxy12`,
# `Card$$EnhancerBySpringCGLIB$$9c1a6e2b`, `Card$HibernateProxy$Ab3dEf91` and `Card_$$_jvst5f_0` in Java, `<Total>d__4`,
# `b__1_0`, `DisplayClass8_0` and `g__Sum|4_0` in .NET, `total.func2` and `total.func2.1` in Go. Ruby names the class of
# a function that has none since 3.4: `Object#handler`.
_NUMBERED = re.compile(
    r"(?<=CGLIB\$\$)\w+|(?<=Guice\$\$)\w+|(?<=HibernateProxy\$)\w+|(?<=ByteBuddy\$)\w+|(?<=MockitoMock\$)\w+"
    r"|(?<=_\$\$_)\w+|(?<=\$)\d+|(?<=\$Proxy)\d+|(?<=__)\d+(?:_\d+)*|(?<=DisplayClass)\d+(?:_\d+)*"
    r"|(?<=\|)\d+(?:_\d+)*|(?<=\.func)\d+(?:\.\d+)*|/(?:0x[0-9a-f]+|\d+)(?=\.)|(?<![\w:])Object#"
)


class Frame(NamedTuple):
    name: str
    place: str
    """The file, in the form of the runtime; of .NET empty, of Java without its folder."""


class Cause(NamedTuple):
    error_type: str
    frames: Iterator[Frame]
    """The innermost first."""


def frames_of(error: bytes | None) -> tuple[str, ...]:
    """The functions' names of an error document, the innermost first, direct repetitions once.

    An error is raised where its deepest cause is: the frames of what wraps that come after it.
    Empty where there is no trace, or none that is known; of whatever a function has made up, nothing raises.
    """
    names = (frame.name for each in causes_of(error) for frame in each.frames)
    return tuple(islice((name for name, _ in groupby(names)), MAX_FRAMES))


def causes_of(error: bytes | None) -> list[Cause]:
    """The errors of an error document: the deepest cause first, and what it has caused last, unless they are many."""
    try:
        document = parse(error or b"", max_depth=None)
    except InvalidRequest:
        return []
    causes: list[Cause] = []
    while isinstance(document, dict):
        error_type = document.get("errorType")
        causes.append(Cause(error_type if isinstance(error_type, str) else "", _frames(document)))
        document = document.get("cause")
    return causes[::-1][:_MAX_CAUSES]


def _frames(error: JsonObject) -> Iterator[Frame]:
    node, trace = error.get("trace"), error.get("stackTrace")
    if isinstance(node, list):
        lines = _after_message(node, error.get("errorMessage"))
    elif not isinstance(trace, list):
        return
    elif _is_of_python(trace):
        lines = trace[::-1]
    else:
        lines = trace
    for line in lines[:_MAX_LINES]:
        if frame := _frame(line):
            yield frame


def _after_message(trace: list[JsonValue], message: JsonValue) -> list[JsonValue]:
    """The lines of a Node.js trace that are frames: a message of several lines may look like them."""
    of_message = 1 + message.count("\n") if isinstance(message, str) else 0
    begins_with_it = bool(trace) and not (isinstance(trace[0], str) and _NODE.match(trace[0]))
    lines = trace[of_message:] if begins_with_it else trace
    return [each for each in lines if isinstance(each, str) and _NODE.match(each)]


def _is_of_python(trace: list[JsonValue]) -> bool:
    return any(isinstance(each, list) or (isinstance(each, str) and _PYTHON.match(each)) for each in trace[:1])


def _frame(line: JsonValue) -> Frame | None:
    """None for what is no frame, or one of the runtime's own."""
    match line:
        case str():
            found = next(filter(None, (form.match(line[:_MAX_LINE]) for form in _FORMS)), None)
            parts = found.groupdict() if found else {}
            place, name = parts.get("place") or "", parts.get("name", "<anonymous>" if found else None)
        case {"label": str(name), **rest}:
            place = str(rest.get("path"))[:_MAX_LINE]
        case [str(place), _, str(name), *_]:
            pass
        case _:
            return None
    if name is None or _RUNTIME_PLACES.match(place) or _RUNTIME_NAMES.match(name):
        return None
    return Frame(_NUMBERED.sub("", name[:_MAX_LINE].strip())[:MAX_NAME], place)
