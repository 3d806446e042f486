"""What registering needs."""

from typing import NamedTuple

from handlers.domain.function_arns import FunctionCatalogue, InvokablePatterns
from handlers.domain.registry.entities import Registry
from handlers.domain.registry.trigger_sources import TriggerSources
from handlers.domain.seal import Cipher


class RegistryDeps(NamedTuple):
    registry: Registry
    cipher: Cipher
    catalogue: FunctionCatalogue
    invokable: InvokablePatterns
    sources: TriggerSources
