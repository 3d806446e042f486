"""The table of settings in docs/reference/settings.md, from the model of the CDK context."""

import json
from typing import Any

from annotated_types import Ge, Le
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from infra.settings import Settings


def settings_table() -> str:
    rows = [_row(field) for field in Settings.model_fields.values()]
    return "\n".join(["| Key | Default | Meaning |", "|---|---|---|", *rows, ""])


def _row(field: FieldInfo) -> str:
    meaning = " ".join((field.description or "").split())
    return f"| `{field.alias}` | {_default(field)} | {meaning}{_bounds(field)} |"


def _default(field: FieldInfo) -> str:
    value: Any = field.get_default(call_default_factory=True, validated_data={})
    if value is None or value is PydanticUndefined:
        return "none"
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


def _bounds(field: FieldInfo) -> str:
    least = next((each.ge for each in field.metadata if isinstance(each, Ge)), None)
    most = next((each.le for each in field.metadata if isinstance(each, Le)), None)
    if least is None:
        return ""
    return f" At least {least}." if most is None else f" {least:,} to {most:,}."
