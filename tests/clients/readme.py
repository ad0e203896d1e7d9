"""The programs that the README shows, as it shows them."""

import re
from typing import Final

from tests.clients import HERE

_README: Final = (HERE.parents[1] / "README.md").read_text()
_ADDRESS: Final = "127.0.0.1:8000"


def programs(heading: str, language: str, url: str) -> list[str]:
    """Return the programs under a heading, their server's address aside as they stand."""
    address = url.removeprefix("http://")
    (section,) = re.findall(rf"^## {heading}\n(.*?)(?=^## )", _README, re.DOTALL | re.MULTILINE)
    blocks = re.findall(rf"^```{language}\n(.*?)^```", section, re.DOTALL | re.MULTILINE)
    assert blocks
    return [block.replace(_ADDRESS, address) for block in blocks]
