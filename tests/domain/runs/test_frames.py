"""The functions in which an error was raised, of every runtime's error document, and of none."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.domain.runs.frames import MAX_FRAMES, MAX_NAME, frames_of

OF_RUNTIME: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "Python": (
        {
            "errorMessage": "no such customer: 4711",
            "errorType": "KeyError",
            "requestId": "52fdfc07-2182-454f-963f-5f0f9a621d72",
            "stackTrace": [
                '  File "/var/task/app.py", line 9, in handler\n    return charge(event["customer"])\n',
                '  File "/var/task/app.py", line 4, in charge\n    return CUSTOMERS[customer]\n',
                '  File "/var/task/app.py", line 2, in <lambda>\n    x = lambda: f()\n',
            ],
        },
        ("<lambda>", "charge", "handler"),
    ),
    "Python, raised by the AWS SDK of the runtime": (
        {
            "errorType": "ClientError",
            "stackTrace": [
                '  File "/var/task/app.py", line 9, in handler\n    s3.get_object()\n',
                '  File "/var/lang/lib/python3.12/site-packages/botocore/client.py", line 565, in _api_call\n',
                '  File "/var/runtime/botocore/client.py", line 1021, in _make_api_call\n    raise error_class()\n',
            ],
        },
        ("_api_call", "handler"),
    ),
    "Python 3.6": (
        {
            "errorType": "KeyError",
            "stackTrace": [["/var/task/app.py", 9, "handler", "f()"], ["/var/task/app.py", 3, "f", "raise"]],
        },
        ("f", "handler"),
    ),
    "Node.js": (
        {
            "errorType": "ReferenceError",
            "errorMessage": "x is not defined",
            "trace": [
                "ReferenceError: x is not defined",
                "    at new Card (/var/task/index.js:2:3)",
                "    at Card.charge [as pay] (/var/task/index.js:12:3)",
                "    at async Promise.all (index 0)",
                "    at /var/task/index.js:30:1",
                "    at async Runtime.handler (file:///var/task/index.mjs:2:3)",
                "    at Runtime.handleOnceNonStreaming (file:///var/runtime/index.mjs:1173:29)",
                "    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)",
            ],
        },
        ("Card", "Card.charge [as pay]", "Promise.all", "<anonymous>", "Runtime.handler"),
    ),
    "Node.js, with a message of several lines": (
        {
            "errorType": "Error",
            "errorMessage": "declined\n    at customer 4711 (Smith)\n    at /4711:1:1",
            "trace": [
                "Error: declined",
                "    at customer 4711 (Smith)",
                "    at /4711:1:1",
                "    at exports.handler (/var/task/index.js:2:3)",
            ],
        },
        ("exports.handler",),
    ),
    "Node.js 8": (
        {"errorType": "Error", "stackTrace": ["exports.handler (/var/task/index.js:2:9)"]},
        ("exports.handler",),
    ),
    "Java": (
        {
            "errorType": "java.lang.RuntimeException",
            "stackTrace": [
                "com.acme.Card.lambda$charge$3(Card.java:55)",
                "java.base/java.util.Optional.orElseThrow(Unknown Source)",
                "com.acme.Card$$Lambda$14/0x0000000800c8.get(Unknown Source)",
                "java.base/jdk.internal.reflect.DirectMethodHandleAccessor.invoke(Unknown Source)",
                "java.base/java.lang.reflect.Method.invoke(Unknown Source)",
            ],
            "cause": {
                "errorType": "com.acme.Declined",
                "errorMessage": "4711 (Smith)",
                "stackTrace": ["com.acme.Bank.<init>(Bank.java:7)"],
            },
        },
        (
            "com.acme.Bank.<init>",
            "com.acme.Card.lambda$charge$",
            "java.base/java.util.Optional.orElseThrow",
            "com.acme.Card$$Lambda$.get",
        ),
    ),
    ".NET": (
        {
            "errorType": "AggregateException",
            "stackTrace": [
                "at Acme.Card.<Charge>d__4.MoveNext() in /src/Card.cs:line 12",
                "   at Acme.Card.Charge(Decimal amount, String customer)",
                "at lambda_method1(Closure , Stream , ILambdaContext , Stream )",
                "at Amazon.Lambda.RuntimeSupport.HandlerWrapper.<>c__DisplayClass8_0.<GetHandlerWrapper>b__0()",
            ],
            "cause": {"errorType": "Declined", "stackTrace": ["at Acme.Bank.Pay[T](T card)"]},
        },
        ("Acme.Bank.Pay[T]", "Acme.Card.<Charge>d__.MoveNext", "Acme.Card.Charge"),
    ),
    "Ruby": (
        {
            "errorType": "Function<TypeError>",
            "stackTrace": [
                "/var/task/function.rb:3:in `first'",
                "/var/task/function.rb:3:in `block (2 levels) in handler'",
                "/var/task/function.rb:7:in 'Card#charge'",
                "/var/runtime/lib/lambda_handler.rb:28:in `call_handler'",
            ],
        },
        ("first", "block (2 levels) in handler", "Card#charge"),
    ),
    "Go": (
        {
            "errorType": "string",
            "stackTrace": [
                {"path": "github.com/acme/card/card.go", "line": 55, "label": "charge.func2"},
                {"path": "card/main.go", "line": 12, "label": "(*Card).Charge"},
            ],
        },
        ("charge.func", "(*Card).Charge"),
    ),
    "PHP": (
        {
            "errorType": "Declined",
            "stackTrace": [
                "#0 /var/task/card.php(12): Acme\\Card->charge(Object(Amount), 'Smith (4711)')",
                "#1 [internal function]: Acme\\Bank::pay('4711')",
                "#2 /opt/bref/bootstrap.php(43): {closure}(Array)",
                "#3 {main}",
            ],
        },
        ("Acme\\Card->charge", "Acme\\Bank::pay", "{closure}"),
    ),
}


@pytest.mark.parametrize(("error", "names"), OF_RUNTIME.values(), ids=OF_RUNTIME)
def test_a_runtimes_error_names_the_functions_it_was_raised_in_innermost_first(
    error: dict[str, Any], names: tuple[str, ...]
) -> None:
    assert frames_of(json.dumps(error).encode()) == names


@pytest.mark.parametrize("error", [each for each, _ in OF_RUNTIME.values()], ids=OF_RUNTIME)
def test_messages_and_line_numbers_do_not_count(error: dict[str, Any]) -> None:
    elsewhere = json.dumps(error | {"errorMessage": error.get("errorMessage", "").replace("4711", "4712")})
    for was, becomes in (("line 9", "line 19"), (":12:", ":112:"), ("java:55", "java:56"), ("(12)", "(13)")):
        elsewhere = elsewhere.replace(was, becomes)
    assert frames_of(elsewhere.encode()) == frames_of(json.dumps(error).encode())


def test_how_deep_a_function_has_called_itself_does_not_count() -> None:
    def recursion(deep: int) -> bytes:
        lines = ['  File "/var/task/app.py", line 1, in handler\n']
        return json.dumps({"stackTrace": lines + ['  File "/var/task/app.py", line 2, in walk\n'] * deep}).encode()

    assert frames_of(recursion(5)) == frames_of(recursion(970)) == ("walk", "handler")


def test_of_a_long_trace_the_innermost_functions_are_kept() -> None:
    lines = [f'  File "/var/task/app.py", line 1, in f{number}\n' for number in range(5000)]
    names = frames_of(json.dumps({"stackTrace": lines}).encode())
    assert names == tuple(f"f{number}" for number in range(4999, 4999 - MAX_FRAMES, -1))


def test_of_many_causes_the_deepest_are_kept() -> None:
    error: dict[str, Any] = {}
    for number in range(100):
        error = {"stackTrace": [f"com.acme.Step{number}.run(Step.java:7)"], "cause": error}
    assert frames_of(json.dumps(error).encode())[:2] == ("com.acme.Step0.run", "com.acme.Step1.run")


def test_a_long_name_is_cut() -> None:
    (name,) = frames_of(json.dumps({"stackTrace": [{"label": "f" * 5000}]}).encode())
    assert name == "f" * MAX_NAME


@pytest.mark.parametrize(
    "error",
    [
        b"",
        b"null",
        b"[]",
        b'"an error that was too large \xe2\x80\xa6"',
        b"\xff",
        b"not JSON",
        b'{"stackTrace": "a text"}',
        b'{"stackTrace": [], "cause": []}',
        b'{"stackTrace": [null, 1, true, [], [1], {}, {"label": 1}, {"label": null}, ""]}',
        b'{"trace": [null, 1, "no frame", "    at "], "errorMessage": 7}',
        b'{"trace": {"at": "x"}}',
        b'{"stackTrace": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"cause": ' * 5000 + b"1" + b"}" * 5000,
    ],
)
def test_what_has_no_trace_has_no_frames(error: bytes) -> None:
    assert frames_of(error) == ()


def test_there_may_be_no_error_at_all() -> None:
    assert frames_of(None) == ()


_ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(["    at x (y:1:2)", '  File "', "at ("]),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["label", "path", "cause", "x"]), inner),
)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(["stackTrace", "trace", "cause", "errorMessage"], _ANY_JSON)))
def test_whatever_a_function_makes_up_nothing_raises(error: dict[str, Any]) -> None:
    names = frames_of(json.dumps(error).encode())
    assert len(names) <= MAX_FRAMES
    assert all(isinstance(name, str) and len(name) <= MAX_NAME for name in names)


@pytest.mark.parametrize(
    "line", ["at " + "(" * 900, "(" * 1000, "a" * 999 + "(", ":1:in '" * 140, " at" * 300, "#1 ((" * 200]
)
def test_a_line_that_is_made_to_be_slow_is_read_at_once(line: str) -> None:
    error = json.dumps({"stackTrace": [line] * 340, "trace": None}).encode()
    assert len(frames_of(error)) <= MAX_FRAMES
