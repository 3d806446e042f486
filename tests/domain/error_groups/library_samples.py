"""Errors that are raised in a library, pass through one, or have ids in their names: what tells them apart is the code around.

The frames are those of the libraries themselves: SQLAlchemy 2, botocore, pg 8, the AWS SDKs, Spring 6, Hibernate 6.
"""

from tests.domain.error_groups.samples import Json, Sample, go, java, node, python

_TASK = "/var/task"
_SITE = "/var/lang/lib/python3.13/site-packages"


def _python(*frames: tuple[str, str], error: str) -> Json:
    """Files and functions, the outermost first."""
    trace = [f'  File "{place}", line 7, in {name}\n    return f()\n' for place, name in frames]
    return {"errorMessage": "4711", "errorType": error, "stackTrace": trace}


def _sqlalchemy(function: str, at: str = _TASK, *, error: str = "sqlalchemy.exc.OperationalError") -> Json:
    inside = [
        (f"{at}/sqlalchemy/orm/session.py", "execute"),
        (f"{at}/sqlalchemy/engine/base.py", "_execute_on_connection"),
        (f"{at}/sqlalchemy/engine/base.py", "_execute_context"),
        (f"{at}/sqlalchemy/engine/base.py", "_exec_single_context"),
        (f"{at}/sqlalchemy/engine/base.py", "_handle_dbapi_exception"),
        (f"{at}/sqlalchemy/engine/default.py", "do_execute"),
    ]
    return _python((f"{_TASK}/app.py", "handler"), (f"{_TASK}/acme/db.py", function), *inside, error=error)


def _boto3(function: str, *more: tuple[str, str], error: str = "ClientError") -> Json:
    inside = [
        (f"{_SITE}/boto3/resources/factory.py", "do_action"),
        (f"{_SITE}/boto3/resources/action.py", "__call__"),
        (f"{_SITE}/botocore/client.py", "_api_call"),
        (f"{_SITE}/botocore/context.py", "wrapper"),
        (f"{_SITE}/botocore/client.py", "_make_api_call"),
    ]
    return _python((f"{_TASK}/app.py", "handler"), (f"{_TASK}/app.py", function), *inside, *more, error=error)


def _powertools(function: str) -> Json:
    wrappers = ["decorate", "wrapper", "handle_method", "_call_internal", "resolve", "__call__"]
    outside = [(f"/opt/python/aws_lambda_powertools/{name}.py", name) for name in wrappers]
    return _python(*outside, (f"{_TASK}/app.py", "handler"), (f"{_TASK}/app.py", function), error="KeyError")


def _pg(function: str) -> Json:
    pool = f"{_TASK}/node_modules/pg-pool/index.js"
    return node(
        f"{pool}:45:11",
        f"async Client.query ({_TASK}/node_modules/pg/lib/client.js:526:17)",
        f"async Promise.all (index {len(function)})",
        f"async PrismaPg.performIO ({_TASK}/node_modules/@prisma/adapter-pg/dist/index.js:514:14)",
        f"async PrismaPg.queryRaw ({_TASK}/node_modules/@prisma/adapter-pg/dist/index.js:460:5)",
        f"async {function} ({_TASK}/src/orders.js:12:3)",
        f"async Runtime.handler ({_TASK}/index.js:3:3)",
        error="error",
    )


def _aws_sdk_js(function: str) -> Json:
    smithy = f"{_TASK}/node_modules/@smithy"
    return node(
        f"ProtocolLib.getErrorSchemaOrThrowBaseException ({_TASK}/node_modules/@aws-sdk/core/dist-cjs/protocols.js:60:27)",
        f"AwsJson1_0Protocol.handleError ({_TASK}/node_modules/@aws-sdk/core/dist-cjs/protocols.js:442:80)",
        f"async {smithy}/middleware-serde/dist-cjs/index.js:4:18",
        f"async {smithy}/core/dist-cjs/index.js:121:18",
        f"async {smithy}/middleware-retry/dist-cjs/index.js:254:46",
        f"async {_TASK}/node_modules/@aws-sdk/middleware-logger/dist-cjs/index.js:5:22",
        f"async {function} ({_TASK}/index.js:12:3)",
        error="ResourceNotFoundException",
    )


def _typescript(*functions: str) -> Json:
    """As compiled for ES2015: each asynchronous function brings the helper that runs it."""
    lines: list[str] = []
    for name in functions:
        lines += [f"{name} (/var/task/index.js:12:3)", "Generator.next (<anonymous>)", "new Promise (<anonymous>)"]
        lines += ["__awaiter (/var/task/index.js:4:12)", "fulfilled (/var/task/index.js:5:58)"]
    return node(*lines)


def _future(*cause: str, error: str = "java.lang.NullPointerException") -> Json:
    inside = ["encodeThrowable", "completeThrowable", "uniApplyNow", "uniApplyStage", "thenApply"]
    return java(
        *(f"java.base/java.util.concurrent.CompletableFuture.{name}(Unknown Source)" for name in inside),
        "com.acme.Handler.handleRequest(Handler.java:14)",
        error="java.util.concurrent.CompletionException",
        cause=java(*cause, "com.acme.Orders.total(Orders.java:9)", error=error),
    )


def _order_failed(cause: str) -> Json:
    inner = java("com.acme.Db.run(Db.java:9)", "com.acme.Orders.save(Orders.java:9)", error=cause)
    return java("com.acme.Orders.save(Orders.java:9)", error="com.acme.OrderFailed", cause=inner)


def _spring(method: str, proxy: str = "$$SpringCGLIB$$0") -> Json:
    inside = [
        "jdbc.support.SQLErrorCodeSQLExceptionTranslator.doTranslate",
        "jdbc.support.AbstractFallbackSQLExceptionTranslator.translate",
        "jdbc.core.JdbcTemplate.translateException",
        "jdbc.core.JdbcTemplate.execute",
        "jdbc.core.JdbcTemplate.update",
    ]
    return java(
        *(f"org.springframework.{name}(X.java:7)" for name in inside),
        f"com.acme.Orders.{method}(Orders.java:9)",
        f"com.acme.Orders{proxy}.{method}(<generated>)",
        "com.sun.proxy.$Proxy57.save(Unknown Source)",
        error="org.springframework.dao.DuplicateKeyException",
    )


def _aws_sdk_java(method: str) -> Json:
    inside = ["pipeline.stages.ApiCallAttemptTimeoutTrackingStage", "pipeline.stages.TimeoutExceptionHandlingStage"]
    inside += ["pipeline.stages.RetryableStage", "pipeline.RequestPipelineBuilder$ComposingRequestPipelineStage"]
    return java(
        *(f"software.amazon.awssdk.core.internal.http.{name}.execute(X.java:7)" for name in inside),
        "software.amazon.awssdk.services.dynamodb.DefaultDynamoDbClient.putItem(DefaultDynamoDbClient.java:4176)",
        f"com.acme.Orders.{method}(Orders.java:9)",
        error="software.amazon.awssdk.services.dynamodb.model.ResourceNotFoundException",
    )


def _proxied(proxy: str) -> Json:
    return java(f"com.acme.{proxy}.charge(Unknown Source)", "com.acme.Handler.handleRequest(Handler.java:14)")


def _entity_framework(method: str) -> Json:
    inside = ["Update.ReaderModificationCommandBatch.ExecuteAsync(IRelationalConnection connection)"]
    inside += [
        "Update.Internal.BatchExecutor.ExecuteAsync(IEnumerable`1 batches)",
        "DbContext.SaveChangesAsync(Boolean b)",
    ]
    return {
        "errorType": "DbUpdateException",
        "stackTrace": [
            "at Npgsql.Internal.NpgsqlConnector.ReadMessageLong(Boolean async)",
            "at System.Runtime.CompilerServices.PoolingAsyncValueTaskMethodBuilder`1.StateMachineBox`1.GetResult(Int16 t)",
            *(f"at Microsoft.EntityFrameworkCore.{name}" for name in inside),
            f"at Acme.Orders.{method}(Order order) in /src/Orders.cs:line 7",
        ],
    }


def _active_record(function: str) -> Json:
    gem = "/var/task/vendor/bundle/ruby/3.3.0/gems/activerecord-7.1.3/lib/active_record"
    inside = [
        f"{gem}/{name}.rb:7:in `{name}'" for name in ("exec_params", "log", "execute", "insert", "create", "save!")
    ]
    return {
        "errorType": "Function<ActiveRecord::RecordNotUnique>",
        "stackTrace": [*inside, f"/var/task/orders.rb:7:in `{function}'"],
    }


def _doctrine(function: str) -> Json:
    inside = [f"#{n} /var/task/vendor/doctrine/dbal/src/Connection.php(7): Doctrine\\DBAL\\C->f{n}()" for n in range(6)]
    return {
        "errorType": "Doctrine\\DBAL\\Exception\\UniqueConstraintViolationException",
        "stackTrace": [*inside, f"#6 /var/task/src/Orders.php(7): Acme\\Orders->{function}('4711')"],
    }


def _go_json(function: str) -> Json:
    inside = [("encoding/json/decode.go", f"(*decodeState).{name}") for name in ("e", "value", "object", "a", "b", "c")]
    return go(*inside, ("acme/orders.go", function))


def _ruby(*names: str) -> Json:
    return {"errorType": "Function<TypeError>", "stackTrace": [f"/var/task/function.rb:3:in {name}" for name in names]}


SAMPLES: dict[str, Sample] = {
    "SQLAlchemy beside the function's code": Sample(
        _sqlalchemy("save_order"),
        alike=(_sqlalchemy("save_order", _SITE), _sqlalchemy("save_order", "/opt/python")),
        others=(_sqlalchemy("load_customer"), _sqlalchemy("save_order", error="sqlalchemy.exc.IntegrityError")),
    ),
    "boto3 and botocore": Sample(
        _boto3("save_order"),
        others=(_boto3("load_customer"), _boto3("save_order", (f"{_SITE}/botocore/auth.py", "add_auth"))),
    ),
    "a library raises what the code raises too": Sample(
        _python((f"{_TASK}/app.py", "handler"), error="KeyError"),
        others=(
            _python((f"{_TASK}/app.py", "handler"), (f"{_TASK}/pandas/core/frame.py", "__getitem__"), error="KeyError"),
        ),
    ),
    "decorators around the handler": Sample(_powertools("charge"), others=(_powertools("refund"),)),
    "a package of one's own in a layer": Sample(
        _python((f"{_TASK}/app.py", "handler"), ("/opt/python/acme/db.py", "save_order"), error="KeyError"),
        others=(_python((f"{_TASK}/app.py", "handler"), ("/opt/python/acme/db.py", "load"), error="KeyError"),),
    ),
    "libraries alone": Sample(
        _python((f"{_SITE}/mangum/adapter.py", "__call__"), (f"{_SITE}/mangum/http.py", "run"), error="KeyError"),
        others=(_python((f"{_SITE}/mangum/adapter.py", "__call__"), error="KeyError"),),
    ),
    "two functions that call each other, broken off in either": Sample(
        python("handler", *["walk", "visit"] * 9, error="RecursionError"),
        alike=(python("handler", *["walk", "visit"] * 9, "walk", error="RecursionError"),),
        others=(python("handler", *["walk", "leave"] * 9, error="RecursionError"),),
    ),
    "pg and Prisma": Sample(_pg("saveOrder"), others=(_pg("loadCustomer"),)),
    "AWS SDK for JavaScript": Sample(_aws_sdk_js("saveOrder"), others=(_aws_sdk_js("loadCustomer"),)),
    "asynchronous functions of TypeScript": Sample(
        _typescript("Card.<anonymous>", "charge", "handler"),
        alike=(_typescript("async Card.<anonymous>", "charge", "charge", "handler"),),
        others=(
            _typescript("Card.<anonymous>", "refund", "handler"),
            _typescript("Card.<anonymous>", "charge", "main"),
        ),
    ),
    "a future of Java": Sample(
        _future("com.acme.Address.zip(Address.java:7)"),
        alike=(_future("com.acme.Address.zip(Address.java:8)"),),
        others=(
            _future("com.acme.Card.charge(Card.java:7)"),
            _future("com.acme.Address.zip(Address.java:7)", error="com.acme.CardDeclined"),
        ),
    ),
    "causes of other types in the same functions": Sample(
        _order_failed("java.net.SocketTimeoutException"),
        others=(
            _order_failed("java.sql.SQLIntegrityConstraintViolationException"),
            java("com.acme.Db.run(Db.java:9)", "com.acme.Orders.save(Orders.java:9)", error="com.acme.OrderFailed"),
        ),
    ),
    "causes, and no frames": Sample(
        java(error="com.acme.OrderFailed", cause=java(error="java.net.SocketTimeoutException")),
        others=(java(error="com.acme.OrderFailed"), java(error="com.acme.OrderFailed", cause=java(error="a.Other"))),
    ),
    "Spring": Sample(
        _spring("save"), alike=(_spring("save", "$$SpringCGLIB$$1"), _spring("save", "")), others=(_spring("load"),)
    ),
    "AWS SDK for Java": Sample(_aws_sdk_java("save"), others=(_aws_sdk_java("load"),)),
    "Entity Framework": Sample(_entity_framework("Save"), others=(_entity_framework("Load"),)),
    "Active Record": Sample(_active_record("save"), others=(_active_record("load"),)),
    "Doctrine": Sample(_doctrine("save"), others=(_doctrine("load"),)),
    "Go's own packages": Sample(_go_json("save"), others=(_go_json("load"),)),
    "a proxy of Hibernate": Sample(
        _proxied("Card$HibernateProxy$Ab3dEf91"),
        alike=(_proxied("Card$HibernateProxy$zz3dEf9Q"),),
        others=(_proxied("Bank$HibernateProxy$Ab3dEf91"),),
    ),
    "a class of Byte Buddy": Sample(_proxied("Card$ByteBuddy$x9Qa"), alike=(_proxied("Card$ByteBuddy$b7Zc"),)),
    "a class of Mockito": Sample(_proxied("Card$MockitoMock$17"), alike=(_proxied("Card$MockitoMock$a9"),)),
    "a class of Guice": Sample(
        _proxied("Card$$FastClassByGuice$$12ab34cd"),
        alike=(_proxied("Card$$FastClassByGuice$$ff00e1"),),
        others=(_proxied("Card$$EnhancerByGuice$$12ab34cd"),),
    ),
    "a class of Javassist": Sample(_proxied("Card_$$_jvst5fa_0"), alike=(_proxied("Card_$$_jvst9b_12"),)),
    "a lambda of Java 8": Sample(_proxied("Card$$Lambda$14/791452441"), alike=(_proxied("Card$$Lambda$2/81628611"),)),
    "a type with a number in it": Sample(
        {"errorType": "OrderFailed-4711"},
        alike=({"errorType": "OrderFailed-123"}, {"errorType": "OrderFailed-40412"}),
        others=({"errorType": "OrderFailed"}, {"errorType": "OrderLost-4711"}, {"errorType": "OrderFailed-4711-x"}),
    ),
    "a type with an id in it": Sample(
        python("handler", error="Lost:0b0e2cf4-94f2-4bd8-9c2b-0a4a4f1c7f10"),
        alike=(
            python("handler", error="Lost:9fa6b2de-1c55-4d09-8b77-e1f8a7f2aa21"),
            python("handler", error="Lost:5e9d41c07a"),
        ),
    ),
    "a status of HTTP": Sample(
        {"errorType": "Http404"}, others=({"errorType": "Http503"}, {"errorType": "Http4040"}, {"errorType": "S3Error"})
    ),
    "Ruby 3.3, and 3.4 which names the class": Sample(
        _ruby("`first'", "`block (2 levels) in handler'"),
        alike=(_ruby("'Object#first'", "'block (2 levels) in Object#handler'"),),
        others=(_ruby("'Card#first'", "'block (2 levels) in Object#handler'"),),
    ),
}
