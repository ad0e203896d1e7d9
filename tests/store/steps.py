"""What the tests have stores do: new people, and steps that change people."""

from dataclasses import replace
from typing import Any

from ulid import ULID

from app.domain.events import Event
from app.domain.limits import Limits
from app.domain.user import (
    Edit,
    User,
    change_edit,
    linked,
    new_user,
    recorded,
    revised,
    unlinked,
    updated,
)
from app.store import Step
from tests.builders import HERE, LIMITS, NOON, changes, identity


def newcomer(*keys: str, **known: Any) -> Edit:
    """Return somebody whom no store knows yet, with the identities of these keys."""
    nobody = new_user(str(ULID()), NOON)
    named = linked(nobody, [identity(key) for key in keys], NOON, LIMITS, HERE)
    return Edit(named.model_copy(update={"version": 1} | known))


def newcomer_with(step: Step, *keys: str) -> Edit:
    """Return somebody new as a step makes them."""
    user = newcomer(*keys).user
    edit = step(user, frozenset())
    return replace(edit, user=edit.user.model_copy(update={"version": 1}))


def linking(*keys: str) -> Step:
    def step(user: User, _: frozenset[str]) -> Edit:
        after = linked(user, [identity(key) for key in keys], NOON, LIMITS, HERE)
        return Edit(revised(user, after, NOON))

    return step


def unlinking(*keys: str) -> Step:
    def step(user: User, _: frozenset[str]) -> Edit:
        after = user
        for key in keys:
            after = unlinked(after, identity(key))
        return Edit(revised(user, after, NOON))

    return step


def both(first: Step, second: Step) -> Step:
    """Return a step that makes of a user what both make, one after the other."""

    def step(user: User, known: frozenset[str]) -> Edit:
        after = second(first(user, known).user, known).user
        return Edit(revised(user, after.model_copy(update={"version": user.version}), NOON))

    return step


def changing(**raw: Any) -> Step:
    """Return the step of the API's `changes` with these members."""
    parsed = changes(**raw)

    def step(user: User, _: frozenset[str]) -> Edit:
        return change_edit(user, updated(user, parsed, NOON, LIMITS), parsed, NOON)

    return step


def setting(**properties: Any) -> Step:
    return changing(properties={"set": properties})


def incrementing(name: str = "n") -> Step:
    return changing(properties={"increment": {name: 1}})


def recording(*events: Event, limits: Limits = LIMITS) -> Step:
    def step(user: User, known: frozenset[str]) -> Edit:
        return recorded(user, events, known, NOON, limits)

    return step


def number(user: User | None, name: str = "n") -> float:
    """Return a property that is a number, 0 where there is none."""
    assert user is not None
    value = user.properties.get(name, 0.0)
    assert isinstance(value, float)
    return value


def resting(user: User, _: frozenset[str]) -> Edit:
    """Change nothing."""
    return Edit(user)
