"""What every kind of trigger has in common. The kinds themselves are in the table of `trigger_kinds`."""

from enum import Enum, auto
from typing import ClassVar

from pydantic import ConfigDict

from handlers.domain.json_document import JsonObject
from handlers.domain.requests import Body
from handlers.domain.runs.run import ExecutionSource, ExecutionType

METADATA = "triggerMetadata"


class AwsService(Enum):
    """What starts a trigger's runs and so has to follow each change of it."""

    SCHEDULER = auto()
    EVENT_RULES = auto()


class TriggerMetadata(Body):
    """What a trigger says in `triggerMetadata`, besides its params: one subclass for each kind.

    The tag is the trigger's `executionType`, which stands beside it in requests, in the table and in answers.
    """

    model_config = ConfigDict(populate_by_name=True)

    execution_type: ClassVar[ExecutionType]
    execution_source: ClassVar[ExecutionSource]
    """The source of the runs that this kind of trigger starts itself."""
    aws_service: ClassVar[AwsService | None] = None
    """None if no AWS service has to know of the trigger."""

    @classmethod
    def kind_of(cls, body: JsonObject) -> type["TriggerMetadata"]:  # noqa: ARG003
        """The class that reads `body`, of those of this execution type. Raises InvalidRequest."""
        return cls

    @classmethod
    def kinds(cls) -> list[type["TriggerMetadata"]]:
        """All classes of this execution type."""
        return [cls]

    def item(self) -> JsonObject:
        """As it is stored."""
        return self.model_dump(mode="json", by_alias=True)

    def document(self) -> JsonObject:
        """As it is shown."""
        return self.item()

    def check(self, workspace: str) -> None:
        """Raises InvalidRequest for a flaw that no field shows by itself."""

    def check_ahead(self) -> None:
        """Raises InvalidRequest if it would never start a run, because its moment has passed."""

    def accepts(self, event: JsonObject, workspace: str) -> bool:  # noqa: ARG002
        """Whether what AWS delivers is meant for a trigger of the workspace."""
        return True

    @property
    def other_bus(self) -> str | None:
        """The event bus it listens to, if that is one that the context has to permit."""
        return None

    @property
    def needs_secret(self) -> bool:
        """Whether its callers sign what they send."""
        return False
