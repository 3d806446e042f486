"""The JSON schemas of what is sent and shown, from the models that read and write it."""

from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, models_json_schema
from pydantic_core import core_schema

from handlers.api.catalogue import OPERATIONS
from handlers.api.functions import FunctionView
from handlers.api.triggers import TriggerSummary, TriggerView
from handlers.api.views import Error
from handlers.domain.registry.functions import ChangeFunction
from handlers.domain.registry.retry_policy import RetryPolicyBody
from handlers.domain.registry.schedules import SCHEDULES
from handlers.domain.registry.trigger_changes import ChangeTrigger
from handlers.domain.registry.trigger_kinds import KINDS, with_params
from handlers.domain.registry.triggers import CreateTrigger
from handlers.domain.runs.run import ExecutionType

Schema = dict[str, Any]
REF = "#/components/schemas/"
_METADATA = {kind: with_params(model) for kind, model in KINDS.items() if kind is not ExecutionType.SCHEDULED}
_SCHEDULES = {tag: with_params(model) for tag, model in SCHEDULES.items()}
# What a PUT may send back as it was read.
_FIXED = {"id", "workspace", "createdAt", "updatedAt", "functionId", "executionType"}


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
    shown: set[type[BaseModel]] = {view for each in OPERATIONS for view in each.responses.values()}
    sent: set[type[BaseModel]] = {each.request for each in OPERATIONS if isinstance(each.request, type)}
    sent |= {*_METADATA.values(), *_SCHEDULES.values(), RetryPolicyBody}
    modes: list[tuple[type[BaseModel], JsonSchemaMode]] = [
        *((model, "serialization") for model in _by_name(shown | {Error})),
        *((model, "validation") for model in _by_name(sent)),
    ]
    _, defined = models_json_schema(modes, ref_template=REF + "{model}", schema_generator=_Schemas)
    found: dict[str, Schema] = defined["$defs"]
    _complete(found)
    return dict(sorted(found.items()))


def _by_name(models: set[type[BaseModel]]) -> list[type[BaseModel]]:
    return sorted(models, key=lambda model: model.__name__)


def _complete(found: dict[str, Schema]) -> None:
    """What the models leave to code: metadata by its tags, policies, and what a PUT may send back as it was read."""
    found["ScheduleWithParams"] = {
        "oneOf": [ref(each) for each in _SCHEDULES.values()],
        "discriminator": {
            "propertyName": "scheduleType",
            "mapping": {tag: ref(each)["$ref"] for tag, each in _SCHEDULES.items()},
        },
    }
    by_type: dict[ExecutionType, Schema] = {kind: ref(each) for kind, each in _METADATA.items()}
    by_type[ExecutionType.SCHEDULED] = ref_to("ScheduleWithParams")
    any_metadata = {"anyOf": list(by_type.values())}
    policy = {"retryPolicy": ref(RetryPolicyBody)}
    for model in (TriggerSummary, TriggerView):
        found[model.__name__]["properties"]["triggerMetadata"] = any_metadata
    found[CreateTrigger.__name__]["properties"] |= policy | {"executionType": ref_to("ExecutionType")}
    found[CreateTrigger.__name__]["allOf"] = [_tagged(kind, metadata) for kind, metadata in by_type.items()]
    found[ChangeTrigger.__name__]["properties"] |= policy | {"triggerMetadata": any_metadata}
    for change, view in ((ChangeFunction, FunctionView), (ChangeTrigger, TriggerView)):
        shown = found[view.__name__]["properties"]
        fixed = {name: shown[name] | {"description": _FIXED_FIELD} for name in shown if name in _FIXED}
        found[change.__name__]["properties"] |= fixed


_FIXED_FIELD = "May be sent back as it was read: it cannot be changed."


def _tagged(kind: ExecutionType, metadata: Schema) -> Schema:
    return {
        "if": {"properties": {"executionType": {"const": kind}}},
        "then": {"properties": {"triggerMetadata": metadata}},
    }
