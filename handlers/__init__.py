"""All that runs inside Lambda.

The top-level files are the entry points, one Lambda function each:

    api_rerun          POST rerun: from the HTTP API, or a test event from the AWS console
    api_experiments    POST experiments: one input on two versions of the code
    api_rerun_plan     POST rerun-plan: what a re-run would do
    api_batches        many re-runs: start, read, pause, resume and cancel batches
    api_cancel         POST cancel
    api_erase          DELETE content: what a run holds is gone for good
    api_runs           read runs, lists of them, and their re-run history
    api_registry       compute functions and function triggers
    api_triggers       start a run by executing a trigger
    api_webhooks       start a run by a signed webhook
    api_error_groups   failures of one kind
    api_audit          who did what
    api_compare        how two runs differ
    api_openapi        the description of the API, without a token
    on_event           a schedule or an event starts a run
    on_run_failed      the lifecycle bus → automatic retry
    capture_failures   SQS → a failed asynchronous invocation becomes a run
    execute_runs       SQS → invoke the function, record the outcome
    run_batches        a state machine → one step of a batch of re-runs
    watchdog           every minute: no open run is forgotten, no trigger or erasure left half-done
    housekeeping       every hour: no object outlives the run that it belongs to
    sweep_versions/    every month, if the context asks for it: versions that no kept run names are deleted; a folder
                       with its domain and adapters, so that the feature can be removed as a whole

What entry points share:

    telemetry      what operators read: log lines with the ids of what they concern, the audit trail, metrics
    settings       what the stack sets for the entry points, and which of it each reads
    wiring         adapters, each built when first asked for

Packages:

    api/           the HTTP API: its operations and views, and the resolver that routes by them
    domain/        what is done: no AWS SDK, no I/O, imports nothing else of ours; its packages in order, above the
                   few files that all of them use
        batches/       many re-runs by one request: how they are paced, and when they stop
        starting/      everything that starts a run: execute, webhook, schedule, event, capture, re-run, retry
        upkeep/        what nobody asks for: the watchdog's and housekeeping's work
        registry/      compute functions and function triggers, and what keeps AWS in step with them
        comparing/     two runs beside each other: differences, agreement, verdict
        error_groups/  failures of one kind
        runs/          what a run is and what becomes of it
        audit/         who did what
    aws/           how it is done: one adapter a file

Arrows: entry points → api → domain, and entry points → wiring → aws → domain. Nothing here imports infra. The contracts
in pyproject.toml say so, and `make check` enforces them.
"""
