"""What the API's description says of models whose `triggerMetadata` depends on their `executionType`.

Only JSON schemas are made of the models here: requests are read by `read_metadata`, answers are written by the kinds.
"""

from collections.abc import Callable
from functools import cache, reduce
from operator import or_
from typing import Annotated, Any, ClassVar, Literal, get_origin

from pydantic import BaseModel, Field, GetJsonSchemaHandler, TypeAdapter, create_model
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from handlers.domain.registry.trigger_kinds import KINDS, with_params
from handlers.domain.registry.trigger_metadata import TriggerMetadata


class SchemaOf:
    """Annotates a field with the JSON schema of another type, which is what reads or writes it."""

    def __init__(self, shape: Callable[[], Any]) -> None:
        self._shape = shape

    def __get_pydantic_json_schema__(self, _: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return handler(TypeAdapter(self._shape()).core_schema)


class TaggedByExecutionType(BaseModel):
    """Described as one of several models, one for each execution type."""

    metadata_with_params: ClassVar[bool] = True

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        if get_origin(cls.model_fields["execution_type"].annotation) is Literal:
            return handler(core_schema)
        return handler(TypeAdapter(_variants(cls)).core_schema)


@cache
def _variants(model: type[TaggedByExecutionType]) -> Any:
    variants: list[Any] = [_variant(model, kind) for kind in KINDS.values()]
    return Annotated[reduce(or_, variants), Field(discriminator="execution_type")]


def _variant(model: type[TaggedByExecutionType], kind: type[TriggerMetadata]) -> type[BaseModel]:
    metadata = metadata_of(kind, with_its_params=model.metadata_with_params)
    has_fields = any(each.model_fields for each in kind.kinds())
    is_required = has_fields or model.model_fields["trigger_metadata"].is_required()
    fields: dict[str, Any] = {
        "execution_type": Literal[kind.execution_type],
        "trigger_metadata": metadata if is_required else (metadata, Field(default_factory=dict)),
    }
    return create_model(f"{kind.__name__}{model.__name__}", __base__=model, __doc__=model.__doc__, **fields)


def metadata_of(*kinds: type[TriggerMetadata], with_its_params: bool = True) -> Any:
    """What `triggerMetadata` may be for these kinds."""
    classes: list[Any] = [with_params(each) if with_its_params else each for kind in kinds for each in kind.kinds()]
    union = reduce(or_, classes)
    return Annotated[union, Field(discriminator="schedule_type")] if len(classes) > len(kinds) == 1 else union
