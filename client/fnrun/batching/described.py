"""What a batch is to do, and what has become of it, in words."""

from collections.abc import Iterator, Mapping
from typing import Any

from fnrun.lookup import SHORT
from fnrun.output.times import duration, moment

Document = Mapping[str, Any]
Names = Mapping[str, str]
Fields = Iterator[tuple[str, object]]

SKIPPED = {"recovered": "recovered already", "open": "re-run already, not ended", "limit": "re-run too often"}


def settings(document: Document) -> Fields:
    """Of a plan or a batch: how it starts, goes on and stops."""
    count, of_all = canary_count(document), document.get("wouldStart")
    is_all = of_all is not None and not document.get("isSample") and 0 < of_all <= count
    first = "all of them" if is_all else f"{count} first; the others once these have ended well"
    yield "canary", first if count else "none"
    pace = document["pace"]
    start, most = pace["startPerSecond"], pace["maxPerSecond"]
    yield (
        "pace",
        (
            f"{start:g} a second, doubled every {span(pace['doubleEverySeconds'])} up to {most:g}"
            if start < most
            else f"{most:g} a second"
        ),
    )
    yield "stops if", "; ".join(_rules(document["stopWhen"]))
    yield "not before", moment(document.get("notBefore"))


def span(seconds: float) -> str:
    """`30 s`, `3 min 20 s`: where nobody has measured fractions."""
    return f"{seconds:.0f} s" if seconds < 60 else duration(round(1_000 * seconds))  # noqa: PLR2004 - a minute


def canary_count(document: Document) -> int:
    canary = document.get("canary") or 0
    return int(canary["count"] if isinstance(canary, Mapping) else canary)


def _rules(rules: Document) -> Iterator[str]:
    if rules.get("sameErrorGroup"):
        yield "the same error comes back"
    rate = rules.get("failureRate")
    if rate is None:
        yield "more than half of the canary fail, or later a fifth"
    elif rate < 1:
        yield f"more than {100 * rate:.3g} % of them fail"
    if rules.get("failures") is not None:
        yield f"{rules['failures']} fail"
    if rate is not None and rate >= 1:
        yield "no share of failures stops it"


def code(latest: bool | None, version: str | None) -> str:
    if latest:
        return "today's (--latest)"
    return f"version {version}" if version else "that of each run"


EFFECTS = {
    "same": "same: what the runs have done is not done again",
    "new": "new: whatever the functions do is done again",
}


def selection(batch: Document, function_names: Names) -> str:
    """`error group 1a2b3c4d, function orders, created since …`, or `17 runs`."""
    chosen = batch.get("filter")
    if not chosen:
        return f"{batch.get('runIdCount') or 0} runs that were named"
    function = chosen.get("functionId")
    named = {
        "error group": (chosen.get("errorGroupId") or "")[:SHORT],
        "function": function_names.get(function, function) if function else None,
        "trigger": chosen.get("triggerId"),
        "error": chosen.get("errorCode"),
        "failed on version": chosen.get("functionVersion"),
        "created since": moment(chosen.get("from")),
        "created until": moment(chosen.get("to")),
    }
    return ", ".join(f"{name} {value}" for name, value in named.items() if value)


def group(group_id: str | None, names: Names) -> str:
    """`1a2b3c4d  OrderInvalid in orders`, if it was listed lately."""
    if group_id is None:
        return "in another group, or in none"
    return f"{group_id[:SHORT]}  {names.get(group_id, '')}".rstrip()


def counted(counts: Mapping[str, int], words: Mapping[str, str] | None = None) -> str:
    """`NO_PARAMETERS 2, TRIGGER_NOT_FOUND 1`: those that are not nothing, the largest first."""
    some = sorted(((count, name) for name, count in counts.items() if count), reverse=True)
    return ", ".join(f"{(words or {}).get(name, name)} {count:,}" for count, name in some)


def total(progress: Document) -> str:
    """Of the runs that it selects: `200`, `about 200`, `more than 10,000`."""
    if progress["selectionComplete"]:
        return f"{progress['selected']:,}"
    expected = progress["expectedSources"]
    if expected is None:
        return "not counted yet"
    return f"more than {expected:,}" if progress["expectedCapped"] else f"about {expected:,}"


def done(progress: Document) -> int:
    """Of what was selected: re-runs that have ended, and runs that are not re-run."""
    return int(progress["selected"] - progress["running"])


def share(progress: Document) -> float:
    """Of 1: how much of it is done."""
    whole = progress["selected"] if progress["selectionComplete"] else progress["expectedSources"] or 0
    return min(1.0, done(progress) / whole) if whole else float(progress["selectionComplete"])


def summary(progress: Document) -> str:
    """`completed 170, failed 4, running 10`: those that are not nothing."""
    refused, skipped = sum(progress["refused"].values()), sum(progress["skipped"].values())
    counts = {name: progress[name] for name in ("completed", "failed", "cancelled", "running")}
    said = [f"{name} {count:,}" for name, count in (counts | {"skipped": skipped, "refused": refused}).items() if count]
    return ", ".join(said) or "nothing is started yet"


def so_far(progress: Document) -> str:
    """`90 of about 400: completed 86, failed 4`."""
    is_counted = progress["selectionComplete"] or progress["expectedSources"] is not None
    return f"{done(progress):,}{f' of {total(progress)}' if is_counted else ''}: {summary(progress)}"


def group_of_stop(batch: Document) -> str | None:
    """The id of the error group that has stopped it; where too many failed, that of most of them."""
    reason = batch["stopReason"] or {}
    named: str | None = reason.get("errorGroupId")
    if reason.get("rule") == "sameErrorGroup":
        return named
    known = [each for each in batch["progress"]["failedByGroup"] if each["errorGroupId"] is not None]
    return named or max(known, key=lambda each: each["count"], default={"errorGroupId": None})["errorGroupId"]


def why_stopped(batch: Document, names: Names) -> str:
    """As part of a sentence."""
    reason = batch["stopReason"]
    if reason is None:
        return "it is not said why"
    so_many = f"{reason['failed']} of {reason['ended']} had failed"
    group_id = group_of_stop(batch)
    name = names.get(group_id or "", "")
    which = f"group {group_id[:SHORT]}" if group_id else ""
    if reason["rule"] == "sameErrorGroup":
        said = "".join(f"{each}, " for each in (name, which) if each)
        return f"the error of the runs that it repeats came back ({said}run {reason.get('runId')}); {so_many}"
    most = f", most with {f'{name} ({which})' if name else which}" if which else ""
    return f"too many re-runs failed{most}; {so_many}"
