"""All operations of the API, in the order in which they are read."""

from handlers.api import (
    audit,
    batches,
    cancel,
    compare,
    description,
    erase,
    error_groups,
    execute,
    experiments,
    functions,
    plan,
    rerun,
    runs,
    triggers,
    webhooks,
)
from handlers.api.operations import Operation

_DESCRIBED_IN = (
    rerun,
    plan,
    experiments,
    cancel,
    batches,
    runs,
    compare,
    error_groups,
    erase,
    execute,
    functions,
    triggers,
    webhooks,
    audit,
    description,
)
OPERATIONS = [each for described in _DESCRIBED_IN for each in vars(described).values() if isinstance(each, Operation)]
