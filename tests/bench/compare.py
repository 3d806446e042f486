"""How long it takes to compare two results of 4 MB, ordinary ones and such as were made to be slow.

    python -m tests.bench.compare

CPU seconds, the median of three, each in a process of its own, with the most memory that it had.
"""

import json
import multiprocessing
import random
import resource
import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

from handlers.domain.comparing.agreement import result_fingerprint
from handlers.domain.comparing.differences import differences
from handlers.domain.json_document import MAX_BYTES, JsonValue, compact

_REPEATS = 3


def _numbers(shift: int) -> list[int]:
    return [100_000 + number + shift for number in range(560_000)]


def _nested(inner: JsonValue, levels: int) -> JsonValue:
    for _ in range(levels):
        inner = [inner]
    return inner


def _orders(changed: int) -> list[JsonValue]:
    return [
        {"id": n, "name": f"order {n}", "total": n * 3 + (n == changed), "lines": [n, n + 1]} for n in range(55_000)
    ]


def _bytes(value: JsonValue) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def _digits() -> list[int]:
    return [number % 10 for number in range(1_990_000)]


def _shuffled(values: list[JsonValue]) -> list[JsonValue]:
    return random.Random(1).sample(values, len(values))


CASES: dict[str, Callable[[], tuple[JsonValue, JsonValue]]] = {
    "55,000 orders, one changed": lambda: (_orders(-1), _orders(30_000)),
    "55,000 orders, the first is gone": lambda: (_orders(-1), _orders(-1)[1:]),
    "560,000 numbers, shifted by one": lambda: (_numbers(0), _numbers(1)),
    "560,000 numbers, all different": lambda: (_numbers(0), [-each for each in _numbers(0)][:490_000]),
    "560,000 numbers, in any order": lambda: (_numbers(0), _shuffled(_numbers(0))),
    "1,990,000 digits, shifted by one": lambda: (_digits(), [*_digits()[1:], 0]),
    "1,990,000 digits, and 990,000 fractions": lambda: (_digits(), [each + 0.5 for each in _digits()[:990_000]]),
    "440,000 arrays of one, in any order": lambda: (
        [[n] for n in range(440_000)],
        _shuffled([[n] for n in range(440_000)]),
    ),
    "230,000 keys, none in common": lambda: (
        {f"a{n}": n for n in range(230_000)},
        {f"b{n}": n for n in range(230_000)},
    ),
    "99 arrays in each other around 1,900,000 digits": lambda: (
        _nested(_digits()[1:], 98),
        _nested(_digits()[:-1], 98),
    ),
    "20,000 towers of 95 arrays": lambda: (
        [_nested(n, 95) for n in range(20_000)],
        [_nested(n, 95) for n in range(7, 20_007)],
    ),
    "one text of 4 MB, its end differs": lambda: ("a" * 3_999_000, "a" * 3_998_000 + "b" * 1000),
    "one text of € signs, all different": lambda: ("€" * 1_330_000, "₤" * 1_320_000),
    "a thousand long texts": lambda: (["€" * 1300] * 1000, ["₤" * 1300] * 1000),
    "numbers of thousands of digits": lambda: ([10**4299] * 900, [10**4299 + 1] * 900),
    "no JSON": lambda: (b"\xff" * MAX_BYTES, b"\xfe" * MAX_BYTES),
    "JSON and no JSON": lambda: (_bytes(_digits()), _bytes(_digits())[:-1]),
}


class _Measured(NamedTuple):
    compare: float
    fingerprint: float
    megabytes: int
    shown: int
    total: int


def measure(name: str) -> _Measured:
    before, after = (each if isinstance(each, bytes) else _bytes(each) for each in CASES[name]())
    if max(len(before), len(after)) > MAX_BYTES:
        raise ValueError(name)
    start = time.process_time()
    found = differences(before, after)
    text = compact(found.shown)
    compared = time.process_time()
    result_fingerprint(before, ["/*/at", "/*/*/at"])
    end = time.process_time()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return _Measured(compared - start, end - compared, peak, len(text.encode()), found.total)


def main() -> None:
    print(f"{'':48} {'compare':>9} {'one fingerprint':>15} {'memory':>8} {'shown':>9} {'differ':>9}")
    worst = 0.0
    for name in CASES:
        with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as processes:
            measured = [processes.apply(measure, [name]) for _ in range(_REPEATS)]
        compare, fingerprint = (statistics.median(each[at] for each in measured) for at in (0, 1))
        _, _, megabytes, shown, total = measured[-1]
        print(f"{name:48} {compare:7.2f} s {fingerprint:13.2f} s {megabytes:5} MB {shown:9,} {total:9,}", flush=True)
        worst = max(worst, compare)
    print(f"the longest median: {worst:.2f} s of CPU")


if __name__ == "__main__":
    main()
