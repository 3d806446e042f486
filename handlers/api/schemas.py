"""The JSON schemas of what is sent and shown, from the models that read and write it."""

from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, models_json_schema
from pydantic_core import core_schema

from handlers.api.catalogue import OPERATIONS
from handlers.api.views import Error
from handlers.domain.registry.functions import ChangeFunction
from handlers.domain.registry.triggers import ChangeTrigger

Schema = dict[str, Any]
REF = "#/components/schemas/"
# What a PUT may send back as it was read.
_FIXED: dict[type[BaseModel], tuple[str, ...]] = {
    ChangeFunction: ("id", "workspace", "createdAt", "updatedAt"),
    ChangeTrigger: ("id", "workspace", "createdAt", "updatedAt", "functionId", "executionType"),
}
_FIXED_FIELD = {"type": "string", "description": "May be sent back as it was read: it cannot be changed."}


class _Schemas(GenerateJsonSchema):
    """What a request may leave out it must not send as null; what an answer has nothing to show for it leaves out."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> Schema:
        return self.generate_inner(schema["schema"]) if self.mode == "validation" else super().nullable_schema(schema)

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> Schema:
        described = super().default_schema(schema)
        return {name: value for name, value in described.items() if (name, value) != ("default", None)}

    def model_field_schema(self, schema: core_schema.ModelField) -> Schema:
        described = super().model_field_schema(schema)
        if "serialization_exclude_if" not in schema or "anyOf" not in described:
            return described
        [shown] = [each for each in described.pop("anyOf") if each != {"type": "null"}]
        return {**shown, **described}

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002
        return False

    def model_schema(self, schema: core_schema.ModelSchema) -> Schema:
        described = super().model_schema(schema)
        described.pop("title", None)
        return described


def ref(model: type[BaseModel]) -> Schema:
    return ref_to(model.__name__)


def ref_to(name: str) -> Schema:
    return {"$ref": REF + name}


def schemas() -> dict[str, Schema]:
    """All schemas, by name."""
    shown: set[type[BaseModel]] = {view for each in OPERATIONS for view in each.responses.values() if view}
    sent: set[type[BaseModel]] = {each.request for each in OPERATIONS if isinstance(each.request, type)}
    modes: list[tuple[type[BaseModel], JsonSchemaMode]] = [
        *((model, "serialization") for model in _by_name(shown | {Error})),
        *((model, "validation") for model in _by_name(sent)),
    ]
    _, defined = models_json_schema(modes, ref_template=REF + "{model}", schema_generator=_Schemas)
    found: dict[str, Schema] = defined["$defs"]
    for model, names in _FIXED.items():
        found[model.__name__]["properties"] |= dict.fromkeys(names, _FIXED_FIELD)
    return dict(sorted(found.items()))


def _by_name(models: set[type[BaseModel]]) -> list[type[BaseModel]]:
    return sorted(models, key=lambda model: model.__name__)
