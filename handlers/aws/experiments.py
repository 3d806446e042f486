"""How an experiment stands in the table: what it is about, beside the runs that name it."""

from typing import Any

from handlers.aws import keys
from handlers.aws.table import SCHEMA, Table, from_item
from handlers.domain.runs.experiment import Experiment, SealedExperiment


def item_of(sealed: SealedExperiment) -> dict[str, Any]:
    experiment = sealed.experiment
    document = experiment.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"expires_at"})
    expires_at = int(experiment.expires_at.timestamp())
    ignore = {"sealedIgnore": sealed.sealed_ignore}
    return keys.experiment(experiment.id) | document | ignore | {"expiresAt": expires_at, "schema": SCHEMA}


class Experiments:
    def __init__(self, table: Table) -> None:
        self._table = table

    def read(self, experiment_id: str) -> SealedExperiment | None:
        item = self._table.get(keys.experiment(experiment_id))
        if item is None:
            return None
        plain = from_item(item)
        return SealedExperiment(Experiment.model_validate(plain), plain["sealedIgnore"])
