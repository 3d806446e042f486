"""How the fields of a run stand in its item: short names and packed values, so that it fits one write unit.

What the item's keys say (id, workspace, function, creation) or by another field stands there once.
"""

import base64
import binascii
import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from handlers.domain.function_arns import base_arn
from handlers.domain.runs.run import ErrorSource, ExecutionType, FunctionRun, Pin

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
# What all ARNs of Lambda functions have in common. What is no such ARN stays as it is.
_REPEATED, _SHORT = re.compile(r"\Aarn:(aws[a-z-]*):lambda:([^:]+:[^:]+):function:"), r"\1:\2:"
_ABBREVIATED, _LONG = re.compile(r"\A(aws[a-z-]*):([^:]+:[^:]+):"), r"arn:\1:lambda:\2:function:"


class _Form(NamedTuple):
    write: Callable[[Any], Any]
    read: Callable[[Any], Any]


def milliseconds(moment: datetime) -> int:
    """As moments stand in a run's item, since 1970."""
    return (moment - _EPOCH) // _MILLISECOND


def _hash_to_bytes(text: str) -> bytes | str:
    """Base64 as the bytes that it stands for; what is no base64 as it is."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return text
    return raw if base64.b64encode(raw).decode() == text else text


def id_to_bytes(text: str) -> bytes:
    return uuid.UUID(text).bytes


_TEXT = _Form(str, str)
_NUMBER = _Form(int, int)
_FLAG = _Form(bool, bool)
_MOMENT = _Form(milliseconds, lambda number: _EPOCH + int(number) * _MILLISECOND)
_ID = _Form(id_to_bytes, lambda raw: str(uuid.UUID(bytes=raw)))
_HASH = _Form(_hash_to_bytes, lambda kept: kept if isinstance(kept, str) else base64.b64encode(kept).decode())

_ARN = _Form(lambda arn: _REPEATED.sub(_SHORT, arn, count=1), lambda text: _ABBREVIATED.sub(_LONG, text, count=1))


def _letter_of(names: type[StrEnum]) -> _Form:
    """The first letter of each name: they differ in it."""
    return _Form(lambda name: str(name)[0], {name.value[0]: name.value for name in names}.__getitem__)


_TYPE, _SOURCE = _letter_of(ExecutionType), _letter_of(ErrorSource)

FIELDS: dict[str, tuple[str, _Form]] = {
    "status": ("status", _TEXT),
    "revision": ("rev", _TEXT),
    "claim_token": ("claim", _TEXT),
    "outcome_id": ("out", _TEXT),
    "deadline": ("deadline", _MOMENT),
    "function_arn": ("fn", _ARN),
    "trigger_id": ("tg", _ID),
    "trigger_type": ("type", _TYPE),
    "execution_source": ("via", _TEXT),
    "original_run_id": ("orig", _ID),
    "source_run_id": ("src", _ID),
    "not_before": ("after", _MOMENT),
    "started_at": ("begun", _MOMENT),
    "ended_at": ("ended", _MOMENT),
    "duration_ms": ("ms", _NUMBER),
    "error_code": ("err", _TEXT),
    "error_source": ("es", _SOURCE),
    "execution_attempts": ("n", _NUMBER),
    "retry_attempt": ("ra", _NUMBER),
    "retriable": ("rt", _FLAG),
    "use_latest_code": ("new", _FLAG),
    "event_pending": ("pub", _FLAG),
    "staged": ("staged", _FLAG),
    "result_omitted": ("noRes", _FLAG),
    "reported_version": ("repV", _TEXT),
    "parameters_format": ("fmt", _TEXT),
    "cancel_requested_at": ("stop", _MOMENT),
    "cancel_requested_by": ("stopBy", _TEXT),
    "redelivered_at": ("rs", _MOMENT),
    "waits_until": ("until", _MOMENT),
    "postponements": ("w", _NUMBER),
    "notes_apart": ("nt", _FLAG),
    "planned_code": ("plan", _HASH),
    "effect_key": ("effect", _ID),
    "experiment_id": ("exp", _ID),
    "recovered_by": ("recBy", _ID),
    "erased_at": ("erased", _MOMENT),
}
PIN: dict[str, tuple[str, _Form]] = {
    "function_version": ("v", _TEXT),
    "function_version_arn": ("vArn", _TEXT),
    "function_code_hash": ("ch", _HASH),
    "config_hash": ("cf", _HASH),
    "timeout_seconds": ("to", _NUMBER),
}
# Texts that people or other systems have chosen: in an item of their own, if they are long. Known when it is recorded.
NOTES: dict[str, tuple[str, _Form]] = {
    "started_by": ("startedBy", _TEXT),
    "rerun_by": ("by", _TEXT),
    "rerun_reason": ("why", _TEXT),
    "orchestration_id": ("orch", _TEXT),
    "parameters_omitted": ("noPar", _TEXT),
}
_DEFAULTS = {name: field.get_default() for name, field in FunctionRun.model_fields.items()}


def write(run: FunctionRun) -> dict[str, Any]:
    """The attributes of the run itself. Defaults are left out."""
    values = {"status": run.status.value} | _written(FIELDS, run)
    if run.source_run_id == run.original_run_id:
        values.pop("src", None)
    pin = {} if run.pin is None else _written(PIN, run.pin)
    if run.pin is not None and run.pin.function_version_arn == version_arn(run.function_arn, run.pin.function_version):
        del pin["vArn"]
    return values | pin | ({} if run.notes_apart else write_notes(run))


def write_notes(run: FunctionRun) -> dict[str, Any]:
    return _written(NOTES, run)


def read_arn(text: str) -> str:
    """The ARN of a run's function."""
    return str(_ARN.read(text))


def read(plain: dict[str, Any]) -> dict[str, Any]:
    """The fields that stand in an item, by name. Raises what a value of another kind makes it raise."""
    fields = _read(FIELDS | NOTES, plain)
    if "original_run_id" in fields:
        fields = {"source_run_id": fields["original_run_id"]} | fields | {"is_rerun": True}
    pin = _read(PIN, plain)
    if "function_version" in pin:
        fields["pin"] = {"function_version_arn": version_arn(fields["function_arn"], pin["function_version"])} | pin
    return fields


def _written(table: dict[str, tuple[str, _Form]], of: FunctionRun | Pin) -> dict[str, Any]:
    values = ((attribute, form, getattr(of, name), _DEFAULTS.get(name)) for name, (attribute, form) in table.items())
    return {attribute: form.write(value) for attribute, form, value, default in values if value not in (None, default)}


def _read(table: dict[str, tuple[str, _Form]], plain: dict[str, Any]) -> dict[str, Any]:
    return {name: form.read(plain[attribute]) for name, (attribute, form) in table.items() if attribute in plain}


def version_arn(function_arn: str, version: str) -> str:
    """Of one version of the Lambda that this ARN is of, with or without an alias."""
    return f"{base_arn(function_arn)}:{version}"
