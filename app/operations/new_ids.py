"""Many ids at once."""

import os
from collections.abc import Iterator
from datetime import datetime
from itertools import count
from typing import Final

from ulid import ULID

_DIGITS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_ENDS: Final = [first + second for first in _DIGITS for second in _DIGITS]
_END_BITS: Final = 10

_RANDOM_BYTES: Final = 10
_FIRST_BIT: Final = 1 << (8 * _RANDOM_BYTES - 1)


def new_ids(now: datetime) -> Iterator[str]:
    """Yield ULIDs of one instant for ever, each larger than the one before.

    They count up from a random number whose first bit is 0, so that they never reach the next
    millisecond. A thousand take less time than a hundred would, each drawn by itself.
    """
    drawn = int.from_bytes(os.urandom(_RANDOM_BYTES)) & ~_FIRST_BIT
    start = int.from_bytes(ULID.from_datetime(now).bytes[:-_RANDOM_BYTES] + bytes(_RANDOM_BYTES))
    for block in count((start + drawn) >> _END_BITS):
        beginning = str(ULID.from_int(block << _END_BITS))[:-2]
        for end in _ENDS:
            yield beginning + end
