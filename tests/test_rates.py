"""How often a client may ask: never more than the bucket held, and what came to it since."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import rates
from app.rates import Rates, address_of


class Watch:
    """A watch that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@given(
    per_s=st.floats(0.1, 50),
    burst=st.integers(1, 20),
    pauses=st.lists(st.floats(0, 2), max_size=60),
)
def test_no_more_get_through_than_the_rate_allows(per_s, burst, pauses):
    watch, through = Watch(), 0
    limited = Rates(per_s, burst, watch)
    for pause in pauses:
        watch.now += pause
        through += limited.wait_s(["a"]) == 0

    assert through <= burst + watch.now * per_s + 1e-6


@given(per_s=st.floats(0.1, 50), burst=st.integers(1, 20))
def test_who_waits_as_long_as_told_gets_through(per_s, burst):
    watch = Watch()
    limited = Rates(per_s, burst, watch)
    waits = [limited.wait_s(["a"]) for _ in range(burst + 1)]

    watch.now += waits[-1] + 1e-6

    assert waits[:-1] == [0.0] * burst
    assert 0 < waits[-1] <= 1 / per_s + 1e-6
    assert limited.wait_s(["a"]) == 0


def test_every_client_has_a_bucket_of_its_own():
    limited = Rates(1, 1, Watch())

    assert [limited.wait_s([client]) > 0 for client in "aabb"] == [False, True, False, True]


def test_who_has_to_wait_for_one_bucket_is_charged_by_none():
    limited = Rates(1, 1, Watch())
    limited.wait_s(["address"])

    assert limited.wait_s(["key", "address"]) > 0
    assert limited.wait_s(["key"]) == 0


def test_clients_past_a_number_push_out_who_was_unheard_of_longest(monkeypatch):
    monkeypatch.setattr(rates, "MAX_BUCKETS", 3)
    limited = Rates(1, 1, Watch())
    for client in "abcd":
        limited.wait_s([client])

    assert limited.wait_s(["d"]) > 0
    assert limited.wait_s(["a"]) == 0


@pytest.mark.parametrize(
    ("host", "whom"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::"),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.1"),
        ("testclient", "testclient"),
    ],
)
def test_the_addresses_of_a_network_are_one_client(host, whom):
    assert address_of(host) == whom
