"""Do sealed parts open? What they hold is looked at by nobody."""

import random
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from handlers.aws import keys
from handlers.aws import run_items as items
from handlers.aws.part_objects import PartLost, PartObjects
from handlers.aws.table import Item, Table, from_item, readable
from handlers.domain.runs.recording import seal_context
from handlers.domain.seal import Cipher, KeyRefused, SealBroken
from infra.audit.findings import Finding, Rule
from infra.audit.records import PartRecord

# A batch answers 16 MB at most, and asks again for the rest.
_BATCH = 20

Found = dict[tuple[str, str], Item]


class Opener(NamedTuple):
    """What opening needs. Raises KeyRefused when KMS would open nothing, and Unavailable."""

    table: Table
    cipher: Cipher
    objects: PartObjects | None
    report_progress: Callable[[str], None]

    def findings(self, parts: Sequence[PartRecord]) -> list[Finding]:
        broken = dict(self._broken(parts))
        # A run may have been executed again while it was looked at, and its parts replaced.
        return [
            Finding(Rule.SEALS, (part.run, part.name), why, runs=(part.run,))
            for part, why in self._broken(list(broken))
        ]

    def _broken(self, parts: Sequence[PartRecord]) -> Iterator[tuple[PartRecord, str]]:
        for start in range(0, len(parts), _BATCH):
            batch = parts[start : start + _BATCH]
            wanted = [key for part in batch for key in (keys.run(part.run), keys.part(part.run, part.name))]
            found = self.table.get_many(list({keys.pair(key): key for key in wanted}.values()))
            for part in batch:
                why = self._why_not(part, found)
                if why is not None:
                    yield part, why
            self.report_progress(f"Opening sealed parts: {start + len(batch):,} of {len(parts):,}")

    def _why_not(self, part: PartRecord, found: Found) -> str | None:
        stored, item = (found.get((f"RUN#{part.run}", sort)) for sort in ("RUN", f"{keys.SEALED}{part.name}"))
        run = readable(stored, items.to_run, lambda _: None) if stored else None
        if run is None or item is None:
            return None  # expired meanwhile
        plain = from_item(item)
        sealed = plain["sealed"] if "sealed" in plain else self._fetched(plain)
        if sealed is None:
            # That an object is not there is another rule's finding.
            return None if "object" in plain else "It holds neither a sealed text nor the name of an object."
        try:
            self.cipher.open(sealed, seal_context(run.evolve(outcome_id=part.outcome_id), part.part))
        except KeyRefused:
            raise
        except SealBroken:
            return "It does not open as this part of this run."
        return None

    def _fetched(self, plain: dict[str, str]) -> bytes | None:
        if self.objects is None or "object" not in plain:
            return None
        try:
            return self.objects.read(plain["object"], plain.get("stagedAs"))
        except PartLost:
            return None


def sampled(parts: Sequence[PartRecord], count: int) -> list[PartRecord]:
    return list(parts) if count >= len(parts) else random.sample(parts, count)
