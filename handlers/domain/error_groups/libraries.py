"""Which frames are of a library: the same ones stand in many different errors, and change when the library does.

By the file where the runtime names it, else by the name, which in Java and .NET holds the package. Packages of Python
are often unpacked beside the function's own code, where only their names tell them apart: those that are used most are
listed. A library that is missing here counts like code of the function.
"""

import re

from handlers.domain.runs.frames import Frame

_PYTHON_PACKAGES = (
    "aiobotocore|aiohttp|alembic|anyio|asyncpg|aws_lambda_powertools|aws_xray_sdk|boto3|botocore|datadog_lambda|ddtrace"
    "|django|elasticsearch|fastapi|flask|google|grpc|httpcore|httpx|jinja2|jsonschema|mangum|marshmallow|mysql|numpy"
    "|opensearchpy|opentelemetry|pandas|peewee|pg8000|psycopg|psycopg2|psycopg_pool|pydantic|pymongo|pymysql|pynamodb"
    "|redis|requests|s3transfer|sentry_sdk|sqlalchemy|sqlmodel|starlette|tenacity|tortoise|urllib3|werkzeug|wrapt"
)
_GO_STANDARD = (
    "bufio|bytes|compress|container|context|crypto|database|encoding|errors|fmt|html|io|net|os|regexp|slices|sort"
    "|strconv|strings|sync|text|time"
)
# Folders without code of the function's own; what stands in `<…>` is built into the language or generated.
_PLACES = re.compile(
    r"<|index \d+$|\[internal function\]|/var/lang/|/opt/bref/|/usr/(local/)?lib/"
    r"|(.*/)?(site-packages|dist-packages|node_modules|vendor|gems|pkg/mod|go/src)/|[^/.]+\.[^/]+/.*@v\d"
    rf"|/(var/task|opt/python)/({_PYTHON_PACKAGES})/|({_GO_STANDARD})/",
)
_NAMES = re.compile(
    # Java, with the module that the frame may name first
    r"([\w.@-]+/)?((java|javax|jakarta|jdk|sun|com\.sun|kotlin|kotlinx|scala|groovy|reactor|okhttp3|okio|retrofit2|feign)\."
    r"|org\.(springframework|hibernate|apache|postgresql|mariadb|h2|jooq|eclipse|mybatis|aspectj|mockito|jboss)\."
    r"|com\.(amazonaws|fasterxml|google|mysql|mongodb|zaxxer|oracle|microsoft)\.|software\.amazon\.|redis\.clients\."
    r"|io\.(netty|micronaut|quarkus|vertx|reactivex|lettuce|grpc|opentelemetry|github\.resilience4j)\.|net\.bytebuddy\."
    # .NET
    r"|(System|Microsoft|Amazon|Npgsql|MySql|MySqlConnector|MongoDB|Dapper|NHibernate|Newtonsoft|StackExchange|Polly|Castle"
    r"|AutoMapper|MediatR|FluentValidation|Grpc|Serilog)\.)"
    # What TypeScript and Babel put around an asynchronous function: three frames for each
    r"|(__awaiter|__generator|fulfilled|rejected|asyncGeneratorStep|tryCatch|_next|_throw)$"
)


def is_of_library(frame: Frame) -> bool:
    return bool(_PLACES.match(frame.place) or _NAMES.match(frame.name))
