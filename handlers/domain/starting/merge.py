"""How overrides meet parameters."""

from handlers.domain.json_document import JsonValue


def merge(base: JsonValue, override: JsonValue) -> JsonValue:
    """`base` with `override` laid over it.

    Objects merge key by key, recursively; any other value, `null` and arrays included, replaces what was there.
    Neither argument is changed and key order is the base's, new keys last.
    """
    if not isinstance(base, dict) or not isinstance(override, dict):
        return override
    merged = dict(base)
    for key, value in override.items():
        merged[key] = merge(base[key], value) if key in base else value
    return merged
