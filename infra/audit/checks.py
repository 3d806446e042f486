"""Runs and lineages against the promises: records in, findings out. Nothing here speaks to AWS.

An item that has expired is as good as gone, so nothing is asserted of it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from handlers.domain.clock import iso
from handlers.domain.runs.erase import LAST_LOOK
from handlers.domain.runs.finish import MAX_ATTEMPTS
from handlers.domain.runs.run import Status
from infra.audit.batch_checks import check_batches
from infra.audit.findings import Finding, Rule
from infra.audit.object_checks import check_objects
from infra.audit.records import EdgeRecord, RunRecord, World

# The watchdog looks once a minute, and has a minute for its look.
GRACE = timedelta(seconds=120)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the world is measured by."""

    now: datetime
    retention: timedelta
    grace: timedelta = GRACE
    executions: Mapping[str, int] | None = None
    """How often each run was executed, by the team's own count."""


def check(world: World, terms: Terms) -> list[Finding]:
    return [
        *_unreadable(world),
        *(finding for run in world.living(terms.now) for finding in _of_run(run, terms)),
        *_lineages(world, terms),
        *_executions(world, terms),
        *_outcomes(world, terms),
        *_erased(world, terms),
        *check_batches(world, now=terms.now, retention=terms.retention, grace=terms.grace),
        *check_objects(world, terms.now),
    ]


def _unreadable(world: World) -> Iterator[Finding]:
    for id_, sort, why in world.unreadable:
        where = {"batches" if sort.startswith("BATCH") else "runs": (id_,)}
        yield Finding(Rule.READABLE, (id_, sort), f"It cannot be read: {why}.", **where)


def _of_run(run: RunRecord, terms: Terms) -> Iterator[Finding]:
    judged = {
        Rule.DEADLINE: _late(run, terms),
        Rule.INDEXES: run.misplaced,
        Rule.ATTEMPTS: _miscounted_attempts(run),
    }
    for rule, sentence in judged.items():
        if sentence is not None:
            yield Finding(rule, (run.id,), sentence, runs=(run.id,))


def _late(run: RunRecord, terms: Terms) -> str | None:
    undone = _undone(run)
    if run.deadline is None:
        return f"It is {run.status}, {undone}, and has no deadline: the watchdog will not see it." if undone else None
    if run.deadline < terms.now - terms.grace:
        return f"It is {run.status}, {undone or 'with nothing left to do'}; its deadline was {iso(run.deadline)}."
    return None


def _undone(run: RunRecord) -> str | None:
    """What somebody still has to do with the run."""
    if run.status.is_open:
        return "not ended"
    if run.event_pending:
        return "its end not published"
    return "with parts not moved to where they stay" if run.staged else None


def _miscounted_attempts(run: RunRecord) -> str | None:
    if not 0 <= run.attempts <= MAX_ATTEMPTS:
        return f"It has {run.attempts} attempts recorded; {MAX_ATTEMPTS} is the most there can be."
    has_executed = run.status is Status.RUNNING or (run.status is Status.COMPLETED and not run.is_captured)
    return f"It is {run.status} without an attempt recorded." if has_executed and run.attempts == 0 else None


def _lineages(world: World, terms: Terms) -> Iterator[Finding]:
    unread = world.unreadable_runs
    edges = {original: world.living_edges(original, terms.now) for original in world.edges}
    for edge in (edge for each in edges.values() for edge in each):
        if edge.run not in unread:
            yield from _edge_without_run(edge, world.alive(edge.run, terms.now))
    with_edge = {(edge.original, edge.run) for each in edges.values() for edge in each}
    for run in world.living(terms.now):
        if run.is_rerun:
            original = world.alive(run.original, terms.now)
            if run.original not in unread:
                yield from _rerun_without_original(run, original)
            if (run.original, run.id) not in with_edge:
                yield _of_rerun(Rule.RERUN_EDGE, run, "It is not in the history of its original.")
        else:
            yield from _miscounted_reruns(run, len(edges.get(run.id, ())), terms)
            reruns = [found for edge in edges.get(run.id, ()) if (found := world.alive(edge.run, terms.now))]
            yield from _mismarked(run, reruns)


def _edge_without_run(edge: EdgeRecord, run: RunRecord | None) -> Iterator[Finding]:
    about = (edge.original, edge.run)
    if run is None:
        yield Finding(Rule.EDGE_RUN, about, "The history names a re-run that does not exist.", runs=about)
    elif run.original != edge.original:
        said = f"a re-run of {run.original}" if run.original else "no re-run"
        yield Finding(Rule.EDGE_RUN, about, f"The history names a run that says it is {said}.", runs=about)


def _rerun_without_original(run: RunRecord, original: RunRecord | None) -> Iterator[Finding]:
    wrong = None
    if original is None:
        wrong = "Its original is gone."
    elif original.is_rerun:
        wrong = "Its original is itself a re-run: a lineage is one level deep."
    elif original.expires_at < run.expires_at:
        wrong = f"Its original expires {run.expires_at - original.expires_at} s before it."
    if wrong is not None:
        yield _of_rerun(Rule.RERUN_ORIGINAL, run, wrong)


def _of_rerun(rule: Rule, run: RunRecord, sentence: str) -> Finding:
    about = (run.id, run.original) if run.original else (run.id,)
    return Finding(rule, about, sentence, runs=about)


def _miscounted_reruns(run: RunRecord, edges: int, terms: Terms) -> Iterator[Finding]:
    # A re-run is younger than its original. While that is within its own time, none of them can have expired.
    nothing_expired = run.created_at > terms.now - terms.retention
    if run.rerun_count < edges or (nothing_expired and run.rerun_count > edges):
        said = f"It has counted {run.rerun_count} re-runs, and its history has {edges}."
        yield Finding(Rule.RERUN_COUNT, (run.id,), said, runs=(run.id,))


def _mismarked(original: RunRecord, reruns: list[RunRecord]) -> Iterator[Finding]:
    if not original.status.is_failed:
        return
    by = {run.id: run for run in reruns if run.is_recovering and run.function_id == original.function_id}
    # The mark is set before the end of a re-run is published.
    published = [run.id for run in by.values() if not run.event_pending]
    if original.recovered_by is None and published:
        about = (original.id, min(published))
        yield Finding(Rule.RECOVERED, about, "Its re-run has completed, and it is not marked.", runs=about)
    elif original.recovered_by in {run.id for run in reruns} - by.keys():
        about = (original.id, str(original.recovered_by))
        yield Finding(Rule.RECOVERED, about, "It is marked as recovered by a run that does not recover it.", runs=about)


def _executions(world: World, terms: Terms) -> Iterator[Finding]:
    unread = world.unreadable_runs
    for run_id, count in (terms.executions or {}).items():
        run = world.runs.get(run_id)
        if run is None and run_id not in unread:
            yield Finding(Rule.EXECUTIONS, (run_id,), "It was executed, but there is no such run.", runs=(run_id,))
        elif run is not None and count > run.attempts:
            said = f"It was executed {count} times, with {run.attempts} attempts recorded."
            yield Finding(Rule.EXECUTIONS, (run_id,), said, runs=(run_id,))


def _outcomes(world: World, terms: Terms) -> Iterator[Finding]:
    """An original that is re-run lives on without its old outcome."""
    kept = {(part.run, part.outcome_id) for part in world.parts if part.outcome_id}
    for run in world.living(terms.now):
        is_young = run.created_at > terms.now - terms.retention
        is_kept = is_young and run.erased_at is None
        if run.outcome_id is not None and is_kept and (run.id, run.outcome_id) not in kept:
            yield Finding(Rule.OUTCOME, (run.id,), "The outcome that it names is not there.", runs=(run.id,))


def _erased(world: World, terms: Terms) -> Iterator[Finding]:
    """Until the watchdog's last look an execution that had begun before may bring something."""
    final = terms.now - LAST_LOOK - terms.grace
    erased = {run.id for run in world.living(terms.now) if run.erased_at is not None and run.erased_at < final}
    for part in world.living_parts(terms.now):
        if part.run in erased:
            yield Finding(Rule.ERASED, (part.run, part.name), "Its run was erased, and it is there.", runs=(part.run,))
    for key, record in world.listed.items():
        if record.run in erased and key in (world.stored or {}):
            said = "Its run was erased, and it is there."
            yield Finding(Rule.ERASED, (record.run, record.part), said, runs=(record.run,), objects=(key,))
