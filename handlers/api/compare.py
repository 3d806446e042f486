"""What api_compare answers: how two runs differ."""

from http import HTTPStatus
from typing import Any

from pydantic import Field

from handlers.api import examples
from handlers.api.operations import REVEAL, Grant, Operation, Parameter, Reveals
from handlers.api.views import AnyContent, View, absent_if_none
from handlers.domain import errors
from handlers.domain.clock import Timestamp
from handlers.domain.comparing.comparison import ContentComparison, Pair, State, may_repeat_saved_result
from handlers.domain.comparing.differences import MAX_SHOWN, MAX_VALUE, Differences, Kind
from handlers.domain.runs.run import Content, ErrorSource, ExecutionSource, FunctionRun, Status


class ComparedRun(View):
    """A run, as far as it is compared."""

    id: str
    function_id: str
    execution_source: ExecutionSource
    created_at: Timestamp
    status: Status
    error_code: str | None
    error_source: ErrorSource | None
    duration_ms: int | None
    execution_attempts: int
    function_version_arn: str | None = None
    function_version: str | None = None
    function_code_hash: str | None = None
    config_hash: str | None = None

    @classmethod
    def of(cls, run: FunctionRun) -> "ComparedRun":
        pin = vars(run.pin) if run.pin else {}
        return cls.model_validate(vars(run) | pin | {"function_version": run.function_version})


class Differs(View):
    """In what the two runs differ; `null`: of one of them it is not known, or not yet."""

    code: bool | None = Field(description="By `functionCodeHash`.")
    configuration: bool | None = Field(description="By `configHash`.")
    version: bool | None = Field(description="By `functionVersionArn`.")
    status: bool
    error_code: bool | None
    error_source: bool | None
    duration_ms: bool | None
    execution_attempts: bool | None

    @classmethod
    def of(cls, before: ComparedRun, after: ComparedRun) -> "Differs":
        # An open run has no outcome yet; what it shows of one is that of an attempt.
        have_ended = None if before.status.is_open or after.status.is_open else True
        return cls(
            code=_known_to_differ(before.function_code_hash, after.function_code_hash),
            configuration=_known_to_differ(before.config_hash, after.config_hash),
            version=_known_to_differ(before.function_version_arn, after.function_version_arn),
            status=before.status != after.status,
            error_code=have_ended and before.error_code != after.error_code,
            error_source=have_ended and before.error_source != after.error_source,
            duration_ms=have_ended and _known_to_differ(before.duration_ms, after.duration_ms),
            execution_attempts=have_ended and before.execution_attempts != after.execution_attempts,
        )


def _known_to_differ(before: object, after: object) -> bool | None:
    return None if before is None or after is None else before != after


class DifferenceView(View):
    pointer: str = Field(
        description="JSON Pointer (RFC 6901): where it is in `after`; of what was removed, where it was in `before`."
    )
    kind: Kind
    before: AnyContent = Field(default=None, description="`null` also of what was added.")
    after: AnyContent = Field(default=None, description="`null` also of what was removed.")
    shortened: int = Field(description="How many of the two values are too long to be shown: an excerpt is, as a text.")


class CutView(View):
    """What is not shown, because there is too much of it."""

    differences: int = Field(description="How many more there are.")
    values: int = Field(description=f"How many values are shortened, to about {MAX_VALUE} characters.")

    @classmethod
    def of(cls, found: Differences) -> "CutView | None":
        cut = cls(differences=found.total - len(found.shown), values=sum(each.shortened for each in found.shown))
        return cut if cut.differences or cut.values else None


class ContentView(View):
    """How one content of both runs differs. It can be compared if both have kept it."""

    before: State
    after: State
    equal: bool | None = Field(description="As JSON; as bytes if one of them is none. `null`: one is not kept.")
    differences: list[DifferenceView] | None = Field(description=f"The first {MAX_SHOWN} at most. `null`, likewise.")
    cut: CutView | None = Field(description="What is not shown; `null`: nothing.")

    @classmethod
    def of(cls, compared: ContentComparison) -> "ContentView":
        found = compared.found
        return cls(
            before=compared.before,
            after=compared.after,
            equal=None if found is None else found.total == 0,
            differences=None if found is None else [DifferenceView.model_validate(each) for each in found.shown],
            cut=None if found is None else CutView.of(found),
        )


class ContentsView(View):
    parameters: ContentView
    overrides: ContentView
    result: ContentView
    error: ContentView
    saved_result: str | None = Field(description="A guess, if the later run may have answered from a saved result.")


class Comparison(View):
    """Two runs. `after` is the one in the path, `before` the one that it is compared with."""

    before: ComparedRun
    after: ComparedRun
    differs: Differs
    content: ContentsView | None = Field(description="`null` without the grant that `contentNeeds` names.")
    content_needs: str | None = absent_if_none(description="The grant that shows `content`.")

    @classmethod
    def without_content(cls, pair: Pair) -> "Comparison":
        return cls(**_runs(pair), content=None, content_needs=str(REVEAL))

    @classmethod
    def with_content(cls, pair: Pair, contents: dict[Content, ContentComparison]) -> "Comparison":
        guess = _SAVED_RESULT if may_repeat_saved_result(pair, contents[Content.RESULT]) else None
        views = {name.value: ContentView.of(each) for name, each in contents.items()}
        return cls(**_runs(pair), content=ContentsView(**views, saved_result=guess))


_SAVED_RESULT = (
    "The later run may have answered from a saved result: it had the same effect key and an equal result, in much less "
    "time. This is a guess."
)


def _runs(pair: Pair) -> dict[str, Any]:
    before, after = ComparedRun.of(pair.before), ComparedRun.of(pair.after)
    return {"before": before, "after": after, "differs": Differs.of(before, after)}


COMPARE_RUNS = Operation(
    id="compareRuns",
    entry_point="api_compare",
    method="GET",
    path="/function-runs/{runId}/compare",
    access=Grant("function-runs", "read"),
    summary="Compare two runs",
    description=f"Code, configuration and outcome. Callers with the grant {REVEAL} also see how parameters, overrides, "
    "result and error differ; that leaves an act in the audit. Of long contents the first differences are shown, and "
    "`cut` says what is not.",
    query=(
        Parameter(
            "with",
            "The run to compare with, of any lineage of the workspace. Without it: the run that this one repeats.",
            {"type": "string", "format": "uuid"},
        ),
    ),
    responses={HTTPStatus.OK: Comparison},
    answer=examples.COMPARISON,
    reveals=Reveals(REVEAL, "compare"),
    refusals=(errors.InvalidRunId, errors.NotFound, errors.PartUnreadable),
)
