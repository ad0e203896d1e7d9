"""Programs by chance: a few processes, each doing a few things to the same few people."""

import random
from typing import Final

from tests.protocol.scenario import (
    Operation,
    Scenario,
    create,
    delete,
    increment,
    link,
    log_in,
    log_out,
    merge,
    record,
    register,
    transfer,
    unlink,
)

PEOPLE: Final = {"a": ["custom:a"], "b": ["custom:b"], "c": ["device:e"]}
BEFORE: Final = [
    register("b", "d"),
    register("c", "e"),
    record("a", "e1", "e2", "e3"),
    record("b", "e1", "e4"),
]
FURTHER: Final = [
    [],
    [merge("b", "a")],
    [merge("c", "b")],
    [transfer("d", "b", "a")],
    [register("a", "d5"), register("a", "d6")],
]


def at_one_instant(count: str) -> list[Operation]:
    """Return operations that happen at one instant, counting in a property of this name."""
    return [
        *(increment(id, count) for id in "abc"),
        *(link(id, "custom:k") for id in "abc"),
        unlink("a", "custom:a"),
        unlink("b", "custom:b"),
        unlink("b", "device:d"),
        *(merge(*pair) for pair in ("ba", "ab", "cb", "bc", "ca")),
        *(delete(id) for id in "abc"),
        record("a", "e5", "e6", "e7"),
        record("b", "e1", "e7", "e5"),
        record("c", "e1", "e2", "e8"),
        create("custom:k"),
        create("custom:k", "custom:q"),
    ]


def in_steps(count: str) -> list[Operation]:
    """Return operations that are several steps: devices are on their way for a while."""
    return [
        transfer("d", "b", "a"),
        transfer("d", "b", "c"),
        transfer("d", "a", "b"),
        transfer("e", "c", "b"),
        log_in("custom:a", device="d", count=count),
        log_in("custom:q", device="d", count=count),
        log_in("custom:q", device="e", count=count),
        log_in("custom:a", device="e", count=count),
        log_in("custom:a", "custom:q", count=count),
        log_in("custom:k", device="x", count=count),
        log_out("d"),
        log_out("e"),
        link("a", "device:z"),
        create("device:z"),
        register("a", "d2"),
        register("b", "z"),
    ]


def by_chance(seed: int) -> tuple[Scenario, random.Random]:
    """Return a scenario, and the chance by which to schedule it."""
    chance = random.Random(seed)
    is_atomic = chance.random() < 0.5
    sizes = chance.choice(([2, 2], [1, 2], [1, 1, 1], [2, 1, 1]))
    programs: list[list[Operation]] = []
    for number, size in enumerate(sizes):
        programs.append([])
        for place in range(size):
            count = f"x{number}{place}"
            pool = at_one_instant(count) + ([] if is_atomic else in_steps(count))
            programs[-1].append(chance.choice(pool))
    before = [*BEFORE, *chance.choice(FURTHER)]
    name = f"seed {seed}: " + " || ".join("; ".join(map(str, p)) for p in programs)
    return Scenario(name, PEOPLE, programs, before=before, is_atomic=is_atomic), chance
