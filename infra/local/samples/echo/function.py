"""Give back what was received, and what the service says of the run."""

from typing import Any


def handler(event: Any, context: Any) -> dict[str, Any]:
    actual = context.client_context.custom if context.client_context else None
    return {"event": event, "run": actual, "version": context.function_version}
