"""What a plan hands out, to be sent with the re-run: the re-run is refused if the world has moved since.

It is a sealed text that says what the plan was of and what it has shown. Nothing of it depends on a run's content.
"""

import base64
from datetime import timedelta
from typing import NamedTuple

from handlers.domain import clock
from handlers.domain.clock import Timestamp
from handlers.domain.document import Document
from handlers.domain.errors import InvalidRequest, Misconfigured, PlanOutdated
from handlers.domain.registry.entities import ComputeFunction, FunctionTrigger
from handlers.domain.runs.planned_code import planned_code
from handlers.domain.runs.run import FunctionRun, Pin
from handlers.domain.seal import Cipher, KeyRefused, SealBroken, SealContext

FIELD = "planToken"
MAX_LENGTH = 4096
VALID_FOR = timedelta(hours=1)


class PlanOf(NamedTuple):
    """What a token belongs to: it is of no use for anything else."""

    workspace: str
    run_id: str
    caller: str
    body: str
    """A digest of what is asked for, without the token."""

    @property
    def seal_context(self) -> SealContext:
        return SealContext(self.workspace, f"PLAN#{self.run_id}", "token")


class PlanToken(Document):
    """What a plan has shown."""

    made_at: Timestamp
    caller: str
    body: str
    source_status: str
    source_version: str | None
    trigger_version: int
    function_version: int
    code_hash: str | None
    """Of the code that the re-run was to execute, like the next."""
    config_hash: str | None

    def check(
        self, source: FunctionRun, trigger: FunctionTrigger, function: ComputeFunction, pin: Pin | None
    ) -> str | None:
        """What the claim has to compare, if the re-run is not pinned by now. Raises PlanOutdated."""
        differences = {
            "source": (self.source_status, self.source_version) != _state_of(source),
            "trigger": self.trigger_version != trigger.version,
            "function": self.function_version != function.version,
            "code": pin is not None and _differ(self.code_hash, pin.function_code_hash),
            "configuration": pin is not None and _differ(self.config_hash, pin.config_hash),
            "expired": clock.now() - self.made_at >= VALID_FOR,
        }
        if any(differences.values()):
            raise PlanOutdated([name for name, differs in differences.items() if differs])
        return planned_code(self.code_hash, self.config_hash) if pin is None else None


def _state_of(source: FunctionRun) -> tuple[str, str | None]:
    return source.status, source.pin.function_version_arn if source.pin else source.reported_version


def _differ(planned: str | None, pinned: str | None) -> bool:
    """What either does not know is not compared."""
    return None not in (planned, pinned) and planned != pinned


def token_of(
    source: FunctionRun, trigger: FunctionTrigger, function: ComputeFunction, code: Pin | None, of: PlanOf
) -> PlanToken:
    """`code` is what the re-run would execute now; None if there is nothing to execute."""
    status, version = _state_of(source)
    return PlanToken(
        made_at=clock.now(),
        caller=of.caller,
        body=of.body,
        source_status=status,
        source_version=version,
        trigger_version=trigger.version,
        function_version=function.version,
        code_hash=code and code.function_code_hash,
        config_hash=code and code.config_hash,
    )


def seal_token(token: PlanToken, of: PlanOf, cipher: Cipher) -> str:
    """Raises Unavailable."""
    return base64.urlsafe_b64encode(cipher.seal(token.model_dump_json().encode(), of.seal_context)).decode()


def open_token(text: str, of: PlanOf, cipher: Cipher) -> PlanToken:
    """Raises InvalidRequest for one that is not of this caller, run and body; Misconfigured or Unavailable."""
    token: PlanToken | None = None
    try:
        sealed = base64.b64decode(text, altchars=b"-_", validate=True)
        token = PlanToken.model_validate_json(cipher.open(sealed, of.seal_context))
    except KeyRefused as refused:
        raise Misconfigured from refused
    except (ValueError, SealBroken):  # no base64, not sealed by a plan of this run, or of another release
        pass
    if token is None or (token.caller, token.body) != (of.caller, of.body):
        raise InvalidRequest(
            FIELD, "is not of a plan of yours for this run and this body. Plan again, with the same body."
        )
    return token
