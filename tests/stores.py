"""Which stores the API is tested on, and new databases to test on."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Final

import pytest

STORES: Final[list[Any]] = ["sqlite", pytest.param("mongodb", marks=pytest.mark.slow)]
"""MongoDB's stand-in is one thread for all: what the API says on it is among the slow tests. That
both stores do the same, their own tests tell, which are not."""

NewDatabase = Callable[[], AbstractContextManager[str]]
"""What gives the URL of a database that is not there yet, and is gone after its block."""
