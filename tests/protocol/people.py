"""The scenarios by name: each once went wrong, here or in the model of the protocol, or might."""

from collections.abc import Mapping
from typing import Final

from tests.protocol.scenario import (
    Scenario,
    create,
    cut,
    delete,
    increment,
    link,
    log_in,
    log_out,
    merge,
    record,
    register,
    seek,
    transfer,
    unlink,
)

TWO: Final[Mapping[str, list[str]]] = {"a": ["custom:a"], "b": ["custom:b"]}
THREE: Final[Mapping[str, list[str]]] = {**TWO, "c": ["custom:c"]}

ATOMIC: Final = [
    Scenario("two create the same", TWO, [[create("custom:k", "custom:l")], [create("custom:l")]]),
    Scenario(
        "two create the same in another order",
        {},
        [[create("custom:k", "custom:l")], [create("custom:l", "custom:k", "custom:j")]],
    ),
    Scenario("two link the same", TWO, [[link("a", "custom:k")], [link("b", "custom:k")]]),
    Scenario("one links and frees", TWO, [[link("a", "custom:k")], [unlink("a", "custom:k")]]),
    Scenario(
        "one is freed and linked again",
        {"a": ["custom:a", "custom:k"], "b": ["custom:b"]},
        [[unlink("a", "custom:k")], [link("a", "custom:k")]],
    ),
    Scenario(
        "one frees what another links",
        {"a": ["custom:a", "custom:k"], "b": ["custom:b"]},
        [[unlink("a", "custom:k")], [link("b", "custom:k")]],
    ),
    Scenario("a merge while the other joins", TWO, [[merge("b", "a")], [link("a", "custom:k")]]),
    Scenario("a merge while one joins", TWO, [[merge("b", "a")], [link("b", "custom:k")]]),
    Scenario("a merge while one is freed", TWO, [[merge("a", "b")], [unlink("b", "custom:b")]]),
    Scenario("a merge while one counts", TWO, [[merge("b", "a")], [increment("b", "x")]]),
    Scenario("both directions", TWO, [[merge("b", "a")], [merge("a", "b")]]),
    Scenario("a chain of merges", THREE, [[merge("b", "a")], [merge("c", "b")]]),
    Scenario("a ring of merges", THREE, [[merge("b", "a")], [merge("a", "c")]]),
    Scenario("two absorb one", THREE, [[merge("c", "a")], [merge("c", "b")]]),
    Scenario(
        "who was absorbed is always found",
        THREE,
        [[merge("b", "a")], [seek("c"), seek("custom:c")]],
        before=[merge("c", "b")],
    ),
    Scenario(
        "who is being absorbed is always found",
        TWO,
        [[merge("b", "a")], [seek("b"), seek("custom:b")]],
    ),
    Scenario(
        "the older goes with whom it absorbed",
        TWO,
        [[merge("b", "a")], [delete("a")]],
        before=[increment("b", "x")],
    ),
    Scenario("a merge while the older goes", TWO, [[merge("b", "a")], [delete("a")]]),
    Scenario("a merge while the younger goes", TWO, [[merge("b", "a")], [delete("b")]]),
    Scenario(
        "the absorber goes", THREE, [[merge("b", "a")], [delete("c")]], before=[merge("c", "b")]
    ),
    Scenario("a creation while its name is freed", TWO, [[create("custom:a")], [delete("a")]]),
    Scenario("a link to somebody who goes", TWO, [[link("a", "custom:k")], [delete("a")]]),
    Scenario(
        "what is linked to oneself is not taken",
        TWO,
        [[link("b", "custom:k")], [merge("b", "a"), link("a", "custom:k")]],
    ),
    Scenario(
        "two who are one already pass no limit",
        {"a": ["custom:a", "custom:a2"], "b": ["custom:b"]},
        [[merge("a", "b")], [merge("b", "a")]],
    ),
    Scenario(
        "a device between two",
        TWO,
        [[transfer("d", "b", "a")], [transfer("d", "a", "b")]],
        before=[register("b", "d")],
    ),
    Scenario(
        "a device comes to somebody who goes",
        TWO,
        [[transfer("d", "b", "a")], [delete("a")]],
        before=[register("b", "d")],
    ),
    Scenario(
        "a device leaves somebody who goes",
        TWO,
        [[transfer("d", "b", "a")], [delete("b")]],
        before=[register("b", "d")],
    ),
    Scenario(
        "a device comes to somebody who is absorbed",
        TWO,
        [[transfer("d", "b", "a")], [merge("a", "b")]],
        before=[register("b", "d")],
    ),
    Scenario(
        "a device comes while its taker joins",
        TWO,
        [[transfer("d", "b", "a")], [link("a", "custom:k")]],
        before=[register("b", "d")],
    ),
    Scenario(
        "a device comes while another takes it",
        TWO,
        [[transfer("d", "b", "a")], [register("a", "d")]],
        before=[register("b", "d")],
    ),
    Scenario(
        "a device more than fits arrives",
        TWO,
        [[transfer("d1", "b", "a")], [log_out("d2")]],
        before=[register("b", "d1"), register("a", "d2"), register("a", "d3")],
    ),
    Scenario(
        "a device that a merge released comes back",
        TWO,
        [[register("a", "d1")], [create("device:d1")]],
        before=[
            register("b", "d1"),
            transfer("d1", "b", "a"),
            register("b", "d2"),
            register("b", "d3"),
            merge("b", "a"),
        ],
    ),
    Scenario(
        "two record the same",
        TWO,
        [[record("a", "e1", "e2", "e3")], [record("a", "e2", "e3", "e4")]],
    ),
    Scenario(
        "somebody goes while events spill",
        TWO,
        [[delete("a")], [record("a", "e3", "e4")]],
        before=[record("a", "e1", "e2")],
    ),
    Scenario(
        "a merge while a batch is on its way",
        TWO,
        [[merge("b", "a")], [record("a", "e1", "e2", "e3", "e4")]],
        before=[record("b", "e1", "e2")],
    ),
    Scenario(
        "a merge of two who embed the same event",
        TWO,
        [[merge("b", "a")], [record("b", "e9")]],
        before=[record("a", "e1", "e5"), record("b", "e1", "e6")],
    ),
    Scenario(
        "a slow drop of the copy that lost",
        TWO,
        [[merge("a", "b")], [record("b", "e10", "e11")]],
        before=[record("a", "e2", "e3", "e4"), record("b", "e2")],
    ),
    Scenario(
        "a slow move of a copy that lost",
        TWO,
        [[merge("b", "a")], [record("b", "e2", "e3", "e4")]],
        before=[record("a", "e2")],
    ),
]
"""Each operation of these happens at one instant, as if alone."""

ROOM: Final = Scenario(
    "a merge that finds no room, then room",
    {"a": ["custom:a", "custom:a2"], "b": ["custom:b"]},
    [[increment("b", "x")], [unlink("a", "custom:l"), increment("b", "y")]],
    before=[cut(merge("b", "a"), 1), link("a", "custom:l")],
)

TAKEN: Final = Scenario(
    "a login that merges while somebody else takes one of its names",
    {"a": ["custom:a"], "b": ["device:d"]},
    [[log_in("custom:a", "custom:q", device="d", count="x")], [create("custom:q")]],
)

LOGINS: Final = [
    Scenario(
        "a login while the device's user goes",
        TWO,
        [[log_in("custom:a", device="d", count="x")], [delete("b")]],
        before=[register("b", "d")],
        is_atomic=False,
    ),
    Scenario(
        "a login that merges while the person is deleted",
        {"a": ["custom:a"], "b": ["device:d"]},
        [[log_in("custom:a", device="d", count="x")], [delete("a")]],
    ),
    Scenario(
        "a login while the device's user gets a name",
        {"a": ["custom:a"], "b": ["device:d"]},
        [
            [log_in("custom:a", device="d", count="x")],
            [log_in("custom:q", device="d", count="y")],
        ],
        is_atomic=False,
    ),
    Scenario(
        "a login while the device logs out",
        TWO,
        [[log_in("custom:a", device="d", count="x")], [log_out("d")]],
        before=[register("b", "d")],
        is_atomic=False,
    ),
    Scenario(
        "a device logs out on its way",
        TWO,
        [[transfer("d", "b", "a")], [log_out("d")]],
        before=[register("b", "d")],
        is_atomic=False,
    ),
    Scenario(
        "two first logins of one person",
        {},
        [
            [log_in("custom:q", "custom:r", device="d", count="x")],
            [log_in("custom:r", device="d", count="y")],
        ],
        is_atomic=False,
    ),
    Scenario(
        "two log in on one device",
        TWO,
        [
            [log_in("custom:a", device="d", count="x")],
            [log_in("custom:b", device="d", count="y")],
        ],
        before=[register("b", "d")],
        is_atomic=False,
    ),
]
"""A login is several steps; what it does to each person is done once."""
