"""Ready-made test events for the Lambda console, a few for each of the service's functions.

`events/` has a file for each, called `<function>-<what it does>.json`; functions that a schedule calls, which look at
nothing in the event, share `scheduled.json`. In place of real ids stand `my-workspace`,
550e8400-… for what the event is about, 660e9500-… for a trigger beside it, and `my-function`.
"""

from pathlib import Path

EVENTS = Path(__file__).parent / "events"
SCHEDULED = EVENTS / "scheduled.json"


def events_of(function: str) -> list[Path]:
    return sorted(EVENTS.glob(f"{function}-*.json")) or [SCHEDULED]
