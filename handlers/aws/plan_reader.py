"""What a plan of a re-run reads besides the run itself, in one call."""

from handlers.aws import keys, registry_items, run_items
from handlers.aws.table import Item, Table
from handlers.domain.runs.run import FunctionRun
from handlers.domain.starting.plan import Surroundings


class PlanReader:
    def __init__(self, table: Table) -> None:
        self._table = table

    def read(self, source: FunctionRun) -> Surroundings:
        trigger = keys.registered("trigger", source.trigger_id)
        function = keys.registered("function", source.function_id)
        original = keys.run(source.lineage_id)
        found = self._table.get_many([trigger, function, *([original] if source.is_rerun else [])])

        def item(key: keys.Key) -> Item | None:
            return found.get(keys.pair(key))

        return Surroundings(
            trigger=registry_items.to_trigger(it).trigger if (it := item(trigger)) else None,
            function=registry_items.to_function(it) if (it := item(function)) else None,
            original=(run_items.to_run(it) if (it := item(original)) else None) if source.is_rerun else source,
        )
