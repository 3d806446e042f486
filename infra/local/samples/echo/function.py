"""Return the event, what the service says of the run, and the version."""

from typing import Any


def handler(event: Any, context: Any) -> dict[str, Any]:
    run = context.client_context.custom if context.client_context else None
    return {"event": event, "run": run, "version": context.function_version}
