"""By which names a server may be called.

A page of another site can have its own name lead to this machine's address (DNS rebinding) and
then talk to us as if it were ours; what betrays it is the name it calls us by.
"""

import re
from collections.abc import Collection
from ipaddress import ip_address
from typing import Final

_HOST: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^:\[\]/?#@\s]+)(:[0-9]*)?")


def is_loopback(host: str) -> bool:
    """Return whether a name or address leads to this machine alone."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host.removeprefix("[").removesuffix("]")).is_loopback
    except ValueError:
        return False


def name_in(header: str) -> str | None:
    """Return the name in a `Host` header without its port; None for what is none."""
    found = _HOST.fullmatch(header)
    return found[1].lower().removesuffix(".") if found else None


def is_among(name: str, names: Collection[str]) -> bool:
    """Return whether a name is one of those, where `*.` stands for everything that may precede."""
    above = name.split(".")
    parents = {f"*.{'.'.join(above[i:])}" for i in range(1, len(above))}
    return name in names or not parents.isdisjoint(names)
