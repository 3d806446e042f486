"""What a plan of a re-run reads besides the run itself: all of it in one call, however much is asked for."""

from collections.abc import Callable

from handlers.aws import keys, registry_items, run_items
from handlers.aws.run_store import RunStore
from handlers.aws.stack_secret import StackSecret
from handlers.aws.table import Item, Table, readable_of
from handlers.domain.runs.run import FunctionRun
from handlers.domain.starting.plan import Surroundings

# What one call reads, less trigger, function, original and secret.
RERUNS = 96


class PlanReader:
    def __init__(self, table: Table, runs: RunStore, secret: StackSecret, report: Callable[[Exception], None]) -> None:
        """`secret` is what configurations are hashed with: a new container reads it along.

        `report` receives the errors of re-runs that cannot be read: they are left out.
        """
        self._table = table
        self._runs = runs
        self._secret = secret
        self._report = report

    def read(self, source: FunctionRun, *, with_reruns: bool) -> Surroundings:
        trigger = keys.registered("trigger", source.trigger_id)
        function = keys.registered("function", source.function_id)
        original = keys.run(source.lineage_id)
        newest = self._runs.newest_edges(source.lineage_id, RERUNS) if with_reruns else []
        runs = [keys.run(run_id) for run_id in newest if run_id != source.id]
        others = [original] if source.is_rerun else []
        found = self._table.get_many([trigger, function, *others, *runs, *self._secret.unread()])
        self._secret.note(found)

        def item(key: keys.Key) -> Item | None:
            return found.get(keys.pair(key))

        return Surroundings(
            trigger=registry_items.to_trigger(it).trigger if (it := item(trigger)) else None,
            function=registry_items.to_function(it) if (it := item(function)) else None,
            original=(run_items.to_run(it) if (it := item(original)) else None) if source.is_rerun else source,
            newest=list(readable_of(filter(None, map(item, runs)), run_items.to_run, self._report)),
        )
