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
    count = canary_count(document)
    yield "canary", f"{count} first; the others once these have ended well" if count else "none"
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
    yield (
        f"more than {rate:.3g} of them fail"
        if rate is not None
        else ("more than half of the canary fail, or later a fifth")
    )
    if rules.get("failures") is not None:
        yield f"{rules['failures']} fail"


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


def why_stopped(reason: Document | None) -> str:
    """As part of a sentence."""
    if reason is None:
        return "it is not said why"
    so_far = f"{reason['failed']} of {reason['ended']} had failed"
    if reason["rule"] == "sameErrorGroup":
        group = (reason.get("errorGroupId") or "")[:SHORT]
        return f"the error of the runs that it repeats came back (group {group}, run {reason.get('runId')}); {so_far}"
    return f"too many re-runs failed; {so_far}"
