"""Who races: how each server is started, and what it can do."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.bench.install import HOME, NODE

OURS_SQLITE: Final = "ours-sqlite"
OURS_MONGODB: Final = "ours-mongodb"
MERCURIUS_MEMORY: Final = "mercurius-memory"
MERCURIUS_SQLITE: Final = "mercurius-sqlite"
MERCURIUS_MONGODB: Final = "mercurius-mongodb"
STRAWBERRY_MOTOR: Final = "strawberry-motor"
YOGA: Final = "yoga-memory"
APOLLO: Final = "apollo-memory"
FLOOR: Final = "floor"


@dataclass(frozen=True)
class Server:
    """A server of the race.

    Attributes:
        store: Where it keeps people: `memory`, `sqlite` or `mongodb`.
        program: What Node or Python runs; nothing for ours.
        writes: Whether it keeps what it is told.
        watched: Whether the subscriptions are measured on it.
    """

    name: str
    title: str
    store: str
    program: str = ""
    writes: bool = True
    watched: bool = False

    @property
    def is_ours(self) -> bool:
        return not self.program

    def command(self, port: int, store: str) -> list[str]:
        """Return what starts it; `store` says where its people are."""
        if self.is_ours:
            return [sys.executable, "-m", "app", "--port", str(port), "--database", store]
        if self.program.endswith(".mjs"):
            return [str(NODE), str(HOME / "peers" / self.program)]
        return [sys.executable, "-m", self.program]

    def environment(self, port: int, store: str, people: Path) -> dict[str, str]:
        if self.is_ours:
            return {}
        return {
            "NODE_ENV": "production",
            "PORT": str(port),
            "PEOPLE": str(people),
            "STORE": store,
        }


SERVERS: Final = (
    Server(OURS_SQLITE, "**Profilegraph on SQLite**", "sqlite", watched=True),
    Server(OURS_MONGODB, "**Profilegraph on MongoDB**", "mongodb"),
    Server(
        FLOOR,
        "hand-written on Starlette, in memory (floor)",
        "memory",
        "tests.bench.peers.floor",
        writes=False,
    ),
    Server(
        MERCURIUS_MEMORY, "Mercurius with JIT, in memory", "memory", "mercurius.mjs", watched=True
    ),
    Server(MERCURIUS_SQLITE, "Mercurius with JIT on `node:sqlite`", "sqlite", "mercurius.mjs"),
    Server(MERCURIUS_MONGODB, "Mercurius with JIT on MongoDB", "mongodb", "mercurius.mjs"),
    Server(YOGA, "GraphQL Yoga, in memory", "memory", "yoga.mjs", watched=True),
    Server(APOLLO, "Apollo Server, in memory", "memory", "apollo.mjs"),
    Server(
        STRAWBERRY_MOTOR,
        "Strawberry as it comes, with Motor on MongoDB",
        "mongodb",
        "tests.bench.peers.strawberry_motor",
    ),
)

COMPARISONS: Final = (
    (OURS_SQLITE, MERCURIUS_SQLITE),
    (OURS_SQLITE, MERCURIUS_MEMORY),
    (OURS_SQLITE, FLOOR),
    (OURS_SQLITE, STRAWBERRY_MOTOR),
    (OURS_MONGODB, MERCURIUS_MONGODB),
    (OURS_MONGODB, STRAWBERRY_MOTOR),
)
"""Which of ours is measured against which other."""
