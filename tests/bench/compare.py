"""How long it takes to compare results of 4 MB, ordinary ones and such as were made to be slow: two of them place by
place, and the eleven different ones that an experiment may have.

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
from typing import NamedTuple, TypeVar

from handlers.domain.comparing.agreement import work_of
from handlers.domain.comparing.differences import differences
from handlers.domain.comparing.verdict import MAX_WORK, Observer, Reason
from handlers.domain.json_document import MAX_BYTES, JsonValue, compact
from handlers.domain.runs.run import Content
from tests.builders import a_run

_REPEATS = 3

Result = TypeVar("Result")


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


_OUTCOMES = 11

# One result, of which as many different ones are made, and what is ignored.
EXPERIMENTS: dict[str, tuple[Callable[[], JsonValue], list[str]]] = {
    "55,000 orders": (lambda: _orders(-1), ["/*/total"]),
    "1,990,000 digits": (_digits, []),
    "1,330,000 empty arrays, fifty pointers": (lambda: [[]] * 1_330_000, ["/*/*"] * 50),
    "1,330,000 empty objects, fifty pointers": (lambda: [{}] * 1_330_000, [f"/*/{n}" for n in range(50)]),
    "560,000 objects of one, fifty pointers": (lambda: [{"": 1}] * 560_000, [f"/{n}/{n}" for n in range(50)]),
    "20,000 towers of 95 arrays, fifty pointers": (
        lambda: [_nested(n, 95) for n in range(20_000)],
        ["/*" * 90 + f"/{n}" for n in range(50)],
    ),
    "600,000 numbers of 308 digits": (lambda: b"[" + b",".join([b"1e308"] * 600_000) + b"]", []),
    "numbers of thousands of digits": (lambda: [10**4299] * 900, []),
    "990,000 fractions": (lambda: b"[" + b",".join([b"1.0"] * 990_000) + b"]", []),
    "no JSON": (lambda: b"\xff" * (MAX_BYTES - 100), []),
}


class _Measured(NamedTuple):
    seconds: float
    megabytes: int
    shown: int
    total: int


class _Observed(NamedTuple):
    seconds: float
    megabytes: int
    compared: int
    work: int


def _megabytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def measure(name: str) -> _Measured:
    before, after = (each if isinstance(each, bytes) else _bytes(each) for each in CASES[name]())
    if max(len(before), len(after)) > MAX_BYTES:
        raise ValueError(name)
    start = time.process_time()
    found = differences(before, after)
    text = compact(found.shown)
    return _Measured(time.process_time() - start, _megabytes(), len(text.encode()), found.total)


def observe(name: str) -> _Observed:
    make, ignored = EXPERIMENTS[name]
    value = make()
    content = value if isinstance(value, bytes) else _bytes(value)
    if len(content) + _OUTCOMES > MAX_BYTES:
        raise ValueError(name)
    del value
    start = time.process_time()
    observer = Observer(ignored)
    observations = [observer.observe(a_run(), {Content.RESULT: content + b" " * n}) for n in range(_OUTCOMES)]
    seconds = time.process_time() - start
    compared = sum(each is not Reason.TOO_LARGE_TO_COMPARE for each in observations)
    return _Observed(seconds, _megabytes(), compared, work_of(content))


def _apart(function: Callable[[str], Result], name: str) -> list[Result]:
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as processes:
        return [processes.apply(function, [name]) for _ in range(_REPEATS)]


def main() -> None:
    print(f"{'two results':48} {'compare':>9} {'memory':>8} {'shown':>9} {'differ':>9}")
    worst = 0.0
    for name in CASES:
        measured = _apart(measure, name)
        seconds = statistics.median(each.seconds for each in measured)
        _, megabytes, shown, total = measured[-1]
        print(f"{name:48} {seconds:7.2f} s {megabytes:5} MB {shown:9,} {total:9,}", flush=True)
        worst = max(worst, seconds)
    print(f"the longest median: {worst:.2f} s of CPU")
    print(
        f"\n{f'an experiment of {_OUTCOMES} different results':48} {'verdict':>9} {'memory':>8} {'compared':>9} {'work':>12}"
    )
    for name in EXPERIMENTS:
        observed = _apart(observe, name)
        seconds = statistics.median(each.seconds for each in observed)
        _, megabytes, compared, work = observed[-1]
        print(f"{name:48} {seconds:7.2f} s {megabytes:5} MB {compared:9} {work / MAX_WORK:12.0%}", flush=True)


if __name__ == "__main__":
    main()
