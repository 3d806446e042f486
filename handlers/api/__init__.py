"""The HTTP API, described once: what each entry point answers, and what is shown.

    operations     what an operation is, and what all of them have in common
    views          what all answers have in common, and the views that several operations share
    runs, rerun, batches, cancel, execute, error_groups, functions, triggers, webhooks, description
                   the operations of an entry point, with their views
    catalogue      all operations, for those who need all: the stack, the OpenAPI document, the reference, the tests
    resolver       Powertools' resolver: routes by operation, who may, strict bodies
    responses      answers, and the one table from error to status
    openapi        the OpenAPI document; `schemas` makes its JSON schemas of the models

An entry point imports its own operations only. A new route is an operation here, and a function below
`@app.operation(…)` in its entry point.
"""
