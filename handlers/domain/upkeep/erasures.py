"""No erasure stays half done, and nothing comes back: what the watchdog does with erasures that are due."""

from collections import Counter
from collections.abc import Callable
from enum import StrEnum
from functools import partial

from handlers.domain.process_each import process_each
from handlers.domain.runs.erase import EraseDeps, Erasure, complete


class ErasureResult(StrEnum):
    LOOKED_AGAIN = "erased again"
    COMPLETED = "erasure completed"
    FAILED = "erasure failed"


def complete_erasures(
    deps: EraseDeps, *, has_time: Callable[[], bool], report: Callable[[Exception, Erasure], None]
) -> Counter[ErasureResult]:
    """One pass: how many had each result. One that fails is reported and comes again."""
    return process_each(
        deps.erasures.due(),
        partial(_result, deps),
        failed=ErasureResult.FAILED,
        has_time=has_time,
        report=report,
    )


def _result(deps: EraseDeps, erasure: Erasure) -> ErasureResult:
    return ErasureResult.COMPLETED if complete(erasure, deps) else ErasureResult.LOOKED_AGAIN
