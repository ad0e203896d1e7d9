"""How often a client may ask: a bucket of tokens for each, refilled as time passes.

The buckets are this process's own, and as many as `MAX_BUCKETS`: past that the client unheard of
longest is forgotten, which gives it a full bucket again.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import Final

MAX_BUCKETS: Final = 10_000


@dataclass
class _Bucket:
    tokens: float
    at: float


class Rates:
    """Buckets by client, each of `burst` tokens, refilled with `per_s` a second; 0: no limit."""

    def __init__(self, per_s: float, burst: int, now: Callable[[], float]) -> None:
        self._per_s = per_s
        self._burst = burst
        self._now = now
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def wait_s(self, clients: Iterable[str]) -> float:
        """Take a token from each client's bucket and return 0, or the time until all have one.

        Who has to wait is charged nothing.
        """
        if not self._per_s:
            return 0.0
        buckets = [self._bucket(client) for client in clients]
        lacking = max((1 - bucket.tokens for bucket in buckets), default=0.0)
        if lacking > 0:
            return lacking / self._per_s
        for bucket in buckets:
            bucket.tokens -= 1
        return 0.0

    def _bucket(self, client: str) -> _Bucket:
        now = self._now()
        bucket = self._buckets.setdefault(client, _Bucket(self._burst, now))
        self._buckets.move_to_end(client)
        refilled = bucket.tokens + (now - bucket.at) * self._per_s
        bucket.tokens, bucket.at = min(float(self._burst), refilled), now
        if len(self._buckets) > MAX_BUCKETS:
            self._buckets.popitem(last=False)
        return bucket


def address_of(host: str) -> str:
    """Return whom an address stands for: one client may have all those of an IPv6 network."""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if isinstance(address, IPv6Address) and address.ipv4_mapped is None:
        return str(IPv6Address(int(address) >> 64 << 64))
    return host
