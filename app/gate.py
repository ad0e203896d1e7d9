"""What stands before every operation, over HTTP and WebSocket alike: rates, places, documents."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import ceil
from time import monotonic
from typing import Any

from starlette.requests import HTTPConnection

from app.answers import over_limit
from app.auth import Caller
from app.limits import RequestLimits
from app.persisted import Documents
from app.rates import Rates, address_of


class Gate:
    """What one process lets through; another process has a gate of its own."""

    def __init__(self, limits: RequestLimits, trusted: Mapping[str, str] | None) -> None:
        self._limits = limits
        self._counts = limits.rate_per_s > 0
        self._rates = Rates(limits.rate_per_s, limits.rate_burst, monotonic)
        self._documents = Documents(trusted)
        self._taken = 0
        self._sockets = 0

    def lets_in(self, host: str | None, caller: Caller) -> bool:
        """Count a request of a caller, and of the address that it comes from.

        Or return that one of them has to wait, and count nothing.
        """
        if not self._counts:
            return True
        clients = [] if host is None else [_address(host)]
        clients += [_key(caller)] if caller.key_id else []
        return not self._rates.wait_s(clients)

    def charge(self, connection: HTTPConnection, caller: Caller) -> None:
        """Count a request of a caller, and of the address that it comes from.

        Raises:
            Refused: there were too many.
        """
        self.charge_address(connection)
        self.charge_key(caller)

    def charge_address(self, connection: HTTPConnection) -> None:
        """Count a request of an address: before its credential is looked at, which may be a guess.

        Raises:
            Refused: there were too many.
        """
        if self._counts and connection.client:
            self._charge(_address(connection.client.host))

    def charge_key(self, caller: Caller) -> None:
        """Count a request of a key.

        Raises:
            Refused: there were too many.
        """
        if self._counts and caller.key_id:
            self._charge(_key(caller))

    def _charge(self, client: str) -> None:
        if wait_s := self._rates.wait_s([client]):
            limit = self._limits.rate_per_s
            message = f"There may be {limit:g} requests a second at most"
            headers = {"retry-after": str(ceil(wait_s))}
            raise over_limit(429, "rate_per_s", limit, message, headers)

    def document(self, query: str | None, extensions: Mapping[str, Any] | None) -> str | None:
        """Return the document that a request means; None if it names none.

        Raises:
            Refused: it may not be executed.
        """
        return self._documents.document(query, extensions)

    @contextmanager
    def socket(self, connection: HTTPConnection) -> Iterator[None]:
        """Count a WebSocket for as long as it is open, and its handshake as a request.

        Raises:
            Refused: there were too many of either.
        """
        limit = self._limits.process_sockets
        if self._sockets >= limit:
            message = f"This process has at most {limit} WebSockets open at once"
            raise over_limit(503, "process_sockets", limit, message)
        self.charge_address(connection)
        self._sockets += 1
        try:
            yield
        finally:
            self._sockets -= 1

    def check_places(self) -> None:
        """Do nothing while sockets and event streams may have more operations open.

        Raises:
            Refused: there are as many as this process takes.
        """
        limit = self._limits.process_operations
        if self._taken >= limit:
            message = f"This process has at most {limit} operations open at once"
            raise over_limit(503, "process_operations", limit, message)

    def take_place(self) -> None:
        self._taken += 1

    def leave_place(self) -> None:
        self._taken -= 1


def _address(host: str) -> str:
    return f"address {address_of(host)}"


def _key(caller: Caller) -> str:
    return f"key {caller.key_id}"
