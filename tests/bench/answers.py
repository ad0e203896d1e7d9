"""Whether all servers give the same answers, before anybody is timed."""

import json
from collections.abc import Mapping
from typing import Any

from tests.bench.processes import Running

MADE_BY_THE_SERVER = "id"
"""Every server makes ids of its own: they are compared by their length alone."""


class DifferentAnswers(Exception):
    """Two servers do not answer the same: their figures cannot be compared."""


def compare(title: str, servers: Mapping[str, Running], bodies: Mapping[str, list[str]]) -> None:
    """Ask every server the same, and compare.

    Raises:
        DifferentAnswers: naming the two servers, and where they part.
    """
    answers = {
        name: [canonical(server.post(body)) for body in bodies[name]]
        for name, server in servers.items()
    }
    first, *others = answers
    for other in others:
        for mine, theirs in zip(answers[first], answers[other], strict=True):
            if mine != theirs:
                raise DifferentAnswers(
                    f"{title}: {first} and {other} differ.\n{_parting(mine, theirs)}"
                )
    for answer in answers[first]:
        if '"errors"' in answer or '"message"' in answer:
            raise DifferentAnswers(f"{title}: all refuse.\n{answer[:500]}")


def canonical(answer: Any) -> str:
    return json.dumps(_masked(answer), sort_keys=True, ensure_ascii=False)


def _masked(value: Any) -> Any:
    match value:
        case dict():
            return {
                name: "*" * len(inner) if name == MADE_BY_THE_SERVER else _masked(inner)
                for name, inner in value.items()
            }
        case list():
            return [_masked(element) for element in value]
        case float() if value.is_integer():
            return int(value)
        case _:
            return value


def _parting(mine: str, theirs: str) -> str:
    """Return where two texts begin to differ."""
    place = next(
        (at for at, (a, b) in enumerate(zip(mine, theirs, strict=False)) if a != b),
        min(len(mine), len(theirs)),
    )
    start = max(0, place - 100)
    return f"{mine[start : place + 100]}\n{theirs[start : place + 100]}"
