"""Error documents as the runtimes write them, after samples of AWS's documentation and of bug reports.

https://docs.aws.amazon.com/lambda/latest/dg/python-exceptions.html, and the like for the other runtimes;
https://github.com/aws/aws-lambda-go/blob/main/lambda/errors.go, and the other runtime interface clients.
"""

import json
from typing import Any, NamedTuple

Json = dict[str, Any]


class Sample(NamedTuple):
    document: Json
    alike: tuple[Json, ...] = ()
    """What differs in each of these is no reason for another group."""
    others: tuple[Json, ...] = ()
    """Each of these is another group."""
    frames: tuple[str, ...] = ()


def python(*functions: str, line: int = 3, error: str = "KeyError", message: str = "'price'") -> Json:
    """The outermost first, as Python writes them."""
    trace = [f'  File "/var/task/app.py", line {line}, in {name}\n    return f(event)\n' for name in functions]
    return {"errorMessage": message, "errorType": error, "requestId": f"r-{line}", "stackTrace": trace}


def node(*lines: str, error: str = "TypeError", message: str = "x is not a function") -> Json:
    frames = [f"    at {line}" for line in lines]
    return {"errorType": error, "errorMessage": message, "trace": [*f"{error}: {message}".split("\n"), *frames]}


def java(*lines: str, error: str = "java.lang.IllegalStateException", cause: Json | None = None) -> Json:
    document = {"errorMessage": "Order 4711 is paid", "errorType": error, "stackTrace": list(lines)}
    return document if cause is None else document | {"cause": cause}


def _wrapped(*lines: str) -> Json:
    """What has caused it, in a wrapper of six functions."""
    wrapper = [f"com.acme.{name}.run({name}.java:9)" for name in "ABCDEF"]
    return java(*wrapper, error="com.acme.OrderFailed", cause=java(*lines, error="com.acme.Declined"))


def go(*frames: tuple[str, str], line: int = 56, error: str = "boundsError") -> Json:
    trace = [{"path": path, "line": line, "label": label} for path, label in frames]
    return {"errorMessage": "index out of range [1] with length 1", "errorType": error, "stackTrace": trace}


def exited(how: str, request: str) -> Json:
    message = f"RequestId: {request} Error: Runtime exited with error: {how}"
    return {"errorType": "Runtime.ExitError", "errorMessage": message}


def timed_out(request: str, seconds: str = "3.00") -> Json:
    message = f"RequestId: {request} Error: Task timed out after {seconds} seconds"
    return {"errorType": "Sandbox.Timedout", "errorMessage": message}


_SYNTAX = '  File "/var/task/pg/__init__.py" Line {}\n        async,\n'
_IMPORTING = [
    '  File "/var/lang/lib/python3.12/importlib/__init__.py", line 90, in import_module\n    return _gcd_import()\n',
    '  File "<frozen importlib._bootstrap>", line 1387, in _gcd_import\n',
    '  File "<frozen importlib._bootstrap_external>", line 999, in exec_module\n',
    '  File "<frozen importlib._bootstrap>", line 488, in _call_with_frames_removed\n',
    '  File "/var/task/app.py", line 4, in <module>\n    TABLE = os.environ["TABLE"]\n',
]
_NODE_RUNTIME = ("Runtime.handleOnceNonStreaming (file:///var/runtime/index.mjs:1173:29)",)
_JAVA_RUNTIME = (
    "java.base/jdk.internal.reflect.DirectMethodHandleAccessor.invoke(Unknown Source)",
    "java.base/java.lang.reflect.Method.invoke(Unknown Source)",
)
_PANIC = (("runtime/panic.go", "gopanic"), ("runtime/panic.go", "goPanicIndex"))
_GO_OLD = (("github.com/aws/aws-lambda-go@v1.17.0/lambda/function.go", "(*Function).Invoke.func1"), *_PANIC)
_GO_NEW = (
    ("github.com/aws/aws-lambda-go@v1.46.0/lambda/errors.go", "lambdaPanicResponse"),
    ("github.com/aws/aws-lambda-go@v1.46.0/lambda/invoke_loop.go", "callBytesHandlerFunc.func1"),
    ("/usr/local/go/src/runtime/panic.go", "gopanic"),
    ("/usr/local/go/src/runtime/iface.go", "panicdottypeE"),
)
_GO_REST = (("reflect/value.go", "Value.call"), ("reflect/value.go", "Value.Call"))
_RUBY = {
    "errorMessage": "no implicit conversion of String into Integer",
    "errorType": "Function<TypeError>",
    "stackTrace": ["/var/task/function.rb:3:in `first'", "/var/task/function.rb:3:in `handler'"],
}
_DOTNET = {
    "errorType": "AggregateException",
    "errorMessage": "One or more errors occurred. (Card 4711 was declined)",
    "stackTrace": [
        "at System.Threading.Tasks.Task`1.GetResultCore(Boolean waitCompletionNotification)",
        "at Acme.Orders.<Charge>d__4.MoveNext() in /src/Orders.cs:line 31",
        "--- End of stack trace from previous location where exception was thrown ---",
        "at lambda_method1(Closure , Stream , Stream , LambdaContextInternal )",
    ],
    "cause": {
        "errorType": "Declined",
        "errorMessage": "Card 4711 was declined",
        "stackTrace": ["at Acme.Bank.<>c__DisplayClass8_0.<Pay>b__1(Order order) in /src/Bank.cs:line 12"],
    },
}


def _dotnet(**renamed: str) -> Json:
    text = json.dumps(_DOTNET)
    for was, becomes in renamed.items():
        text = text.replace(was, becomes)
    document: Json = json.loads(text)
    return document


SAMPLES: dict[str, Sample] = {
    "Python": Sample(
        python("handler", "charge"),
        alike=(python("handler", "charge", line=70, message="'quantity'"),),
        others=(
            python("handler", "refund"),
            python("handler", "charge", error="ValueError"),
            python("handler"),
        ),
        frames=("charge", "handler"),
    ),
    "Python, an exception of a module": Sample(
        python("handler", error="botocore.errorfactory.ConditionalCheckFailedException"),
        others=(python("handler", error="ConditionalCheckFailedException"),),
        frames=("handler",),
    ),
    "Python, recursion": Sample(
        python("handler", *["walk"] * 960, error="RecursionError"),
        alike=(python("handler", *["walk"] * 12, error="RecursionError"),),
        frames=("walk", "handler"),
    ),
    "Python, the way to it beyond five functions": Sample(
        python("handler", "retried", "a", "b", "c", "d", "e"),
        alike=(python("handler", "a", "b", "c", "d", "e"), python("other", "handler", "a", "b", "c", "d", "e")),
        others=(python("handler", "a", "b", "c", "d", "f"),),
        frames=("e", "d", "c", "b", "a"),
    ),
    "Python, a module that cannot be parsed": Sample(
        {
            "errorMessage": "Syntax error in module 'lambda_function': invalid syntax (__init__.py, line 3)",
            "errorType": "Runtime.UserCodeSyntaxError",
            "stackTrace": [_SYNTAX.format(3)],
        },
        alike=({"errorType": "Runtime.UserCodeSyntaxError", "stackTrace": [_SYNTAX.format(9)]},),
        others=({"errorType": "Runtime.ImportModuleError", "errorMessage": "No module named 'x'", "stackTrace": []},),
    ),
    "Python, raised while it is imported": Sample(
        {"errorMessage": "'TABLE'", "errorType": "KeyError", "stackTrace": _IMPORTING},
        frames=("<module>", "import_module"),
    ),
    "Node.js": Sample(
        node("Card.charge (/var/task/index.js:12:3)", "async exports.handler (/var/task/index.js:2:3)", *_NODE_RUNTIME),
        alike=(
            node(
                "async Card.charge (/var/task/index.js:99:1)",
                "async exports.handler (/var/task/index.js:1:1)",
                message="x.y is not a function\n    at your side (forever)",
            ),
        ),
        others=(
            node("Card.refund (/var/task/index.js:12:3)", "async exports.handler (/var/task/index.js:2:3)"),
            node("Card.charge (/var/task/index.js:12:3)", error="RangeError"),
        ),
        frames=("Card.charge", "exports.handler"),
    ),
    "Node.js, functions without a name": Sample(
        node("/var/task/index.js:12:3", "new Order (/var/task/index.js:4:3)", "Array.map (<anonymous>)"),
        alike=(node("/var/task/index.js:1:1", "new Order (/var/task/index.js:1:1)", "Array.map (<anonymous>)"),),
        frames=("<anonymous>", "Order", "Array.map"),
    ),
    "Node.js, minified: each build has its own names": Sample(
        node("t.a (/var/task/index.js:1:90210)", "async Runtime.e [as handler] (/var/task/index.js:1:4)"),
        alike=(node("t.a (/var/task/index.js:1:7)", "async Runtime.e [as handler] (/var/task/index.js:1:9)"),),
        others=(node("n.b (/var/task/index.js:1:90210)", "async Runtime.e [as handler] (/var/task/index.js:1:4)"),),
        frames=("t.a", "Runtime.e [as handler]"),
    ),
    "Node.js, a promise that nobody awaits": Sample(
        node(
            "process.<anonymous> (file:///var/runtime/index.mjs:1276:17)",
            "process.emit (node:events:517:28)",
            error="Runtime.UnhandledPromiseRejection",
            message="Error: declined 4711",
        ),
        alike=(node("emit (node:events:1:1)", error="Runtime.UnhandledPromiseRejection", message="Error: 4712"),),
        others=(node(error="Runtime.UnhandledPromiseRejection.Other"),),
    ),
    "Java": Sample(
        java(
            "com.acme.Orders.lambda$total$3(Orders.java:55)",
            "com.acme.Orders$$EnhancerBySpringCGLIB$$92f4d298.total(<generated>)",
            "com.sun.proxy.$Proxy12.total(Unknown Source)",
            "com.acme.Handler.handleRequest(Handler.java:14)",
            *_JAVA_RUNTIME,
            cause=java("com.acme.Bank.<init>(Bank.java:7)", error="com.acme.Declined"),
        ),
        alike=(
            java(
                "com.acme.Orders.lambda$total$7(Orders.java:91)",
                "com.acme.Orders$$EnhancerBySpringCGLIB$$648dd9df.total(<generated>)",
                "com.sun.proxy.$Proxy14.total(Unknown Source)",
                "com.acme.Handler.handleRequest(Handler.java:15)",
                "sun.reflect.GeneratedMethodAccessor783.invoke(Unknown Source)",
                cause=java("com.acme.Bank.<init>(Bank.java:8)", error="com.acme.Declined"),
            ),
        ),
        others=(
            java("com.acme.Orders.total(Orders.java:55)"),
            java("com.acme.Orders.lambda$total$3(Orders.java:55)", error="com.acme.Declined"),
        ),
        frames=(
            "com.acme.Bank.<init>",
            "com.acme.Orders.lambda$total$",
            "com.acme.Orders$$EnhancerBySpringCGLIB$$.total",
            "com.sun.proxy.$Proxy.total",
            "com.acme.Handler.handleRequest",
        ),
    ),
    "Java, one wrapper around different causes": Sample(
        _wrapped("com.acme.Bank.pay(Bank.java:7)", "com.acme.Card.charge(Card.java:55)"),
        alike=(_wrapped("com.acme.Bank.pay(Bank.java:8)", "com.acme.Card.charge(Card.java:56)"),),
        others=(
            _wrapped("com.acme.Stock.reserve(Stock.java:7)"),
            _wrapped("com.acme.Bank.refund(Bank.java:7)", "com.acme.Card.charge(Card.java:55)"),
        ),
        frames=("com.acme.Bank.pay", "com.acme.Card.charge", "com.acme.A.run", "com.acme.B.run", "com.acme.C.run"),
    ),
    "Java, an input that cannot be read": Sample(
        java(
            error="java.lang.RuntimeException",
            cause=java(
                error="java.io.UncheckedIOException",
                cause=java(
                    "com.fasterxml.jackson.databind.exc.InvalidFormatException.from(InvalidFormatException.java:55)"
                ),
            ),
        ),
        others=(java(error="java.lang.RuntimeException"),),
        frames=("com.fasterxml.jackson.databind.exc.InvalidFormatException.from",),
    ),
    "Ruby": Sample(
        _RUBY,
        alike=(
            _RUBY | {"stackTrace": ["/var/task/function.rb:30:in `first'", "/var/task/f.rb:31:in `handler'"]},
            _RUBY | {"errorMessage": "no implicit conversion of Integer into Hash"},
            _RUBY | {"stackTrace": ["/var/runtime/gems/aws/plugins/x.rb:17:in `call'", *_RUBY["stackTrace"]]},
        ),
        others=(_RUBY | {"errorType": "Function<NameError>"}, _RUBY | {"stackTrace": _RUBY["stackTrace"][1:]}),
        frames=("first", "handler"),
    ),
    ".NET, an asynchronous method": Sample(
        _dotnet(),
        alike=(
            _dotnet(
                d__4="d__11", DisplayClass8_0="DisplayClass9_1", b__1="b__0", **{"line 31": "line 32"}, Closure="C"
            ),
        ),
        others=(_dotnet(Pay="Refund"), _dotnet(AggregateException="TaskCanceledException")),
        frames=(
            "Acme.Bank.<>c__DisplayClass.<Pay>b__",
            "System.Threading.Tasks.Task`1.GetResultCore",
            "Acme.Orders.<Charge>d__.MoveNext",
        ),
    ),
    "Go, a panic": Sample(
        go(*_GO_OLD, ("aws-health/main.go", "sendNotification.func1.2"), ("aws-health/main.go", "main"), *_GO_REST),
        alike=(go(*_GO_NEW, ("aws-health/main.go", "sendNotification.func2"), ("aws-health/main.go", "main"), line=9),),
        others=(go(*_GO_OLD, ("aws-health/main.go", "main")), go(*_GO_OLD, error="errorString")),
        frames=("sendNotification.func", "main"),
    ),
    "Go, an error that is returned: the type is all there is": Sample(
        {"errorMessage": "order 4711 is unknown", "errorType": "errorString"},
        alike=({"errorMessage": "card 4711 was declined", "errorType": "errorString", "stackTrace": None},),
        others=({"errorMessage": "order 4711 is unknown", "errorType": "wrapError"},),
    ),
    "Rust": Sample(
        {"errorType": "&alloc::string::String", "errorMessage": "4711"},
        alike=({"errorType": "&alloc::string::String", "errorMessage": "4712"},),
        others=({"errorType": "alloc::string::String", "errorMessage": "4711"},),
    ),
    "a runtime of one's own in a shell": Sample(
        {"errorMessage": "bad event 4711", "errorType": "InvalidEventDataException", "stackTrace": []},
        alike=({"errorMessage": "bad event 4712", "errorType": "InvalidEventDataException"},),
    ),
    "what is no error document": Sample({"oops": 1}, alike=({"oops": 2}, {"errorMessage": "?"})),
    "a sandbox that ran out of memory": Sample(
        exited("signal: killed", "c544d7ed"),
        alike=(exited("exit status 137", "89894b68"),),
        others=(timed_out("c544d7ed"),),
    ),
    "a timeout": Sample(
        timed_out("c544d7ed"),
        alike=(
            timed_out("89894b68", "30.00"),
            {"errorMessage": "2026-11-22T09:30:00.000Z c544d7ed Task timed out after 3.00 seconds"},
        ),
        others=(exited("signal: killed", "c544d7ed"),),
    ),
}
