"""Change what is known about a person."""

from dataclasses import replace

from app.domain.changes import UserChanges
from app.domain.errors import InvalidInput, LimitExceeded, VersionConflict
from app.domain.limits import MAX_IDEMPOTENCY_KEY_CHARACTERS
from app.domain.user import Edit, User, change_edit, remembered, updated
from app.operations.find import WhoeverRef, change_existing, change_or_create
from app.operations.terms import Terms
from app.store import Store


async def update(
    store: Store,
    ref: WhoeverRef,
    changes: UserChanges,
    terms: Terms,
    *,
    create_if_missing: bool = False,
    expected_version: int | None = None,
    idempotency_key: str | None = None,
) -> User:
    """Apply every change, or none, and return the user.

    Args:
        store: Where the user is.
        ref: Whom to change.
        changes: What to change.
        terms: When, and within which limits.
        create_if_missing: Whether to create a user by an identity that is nobody's.
        expected_version: The version that the changes were made for; nobody has version 0.
        idempotency_key: One of the user's newest keys means that this was done before: nothing is
            changed then, whatever was expected.

    Raises:
        UserNotFound: nobody is there, and nobody was created.
        VersionConflict: the user has another version than expected.
        InvalidInput, LimitExceeded: the user cannot be changed so.
    """
    _check_key(idempotency_key)

    def step(user: User, _: frozenset[str]) -> Edit:
        if idempotency_key in user.request_ids:
            return Edit(user)
        if expected_version is not None and user.version != expected_version:
            raise VersionConflict(user.version)
        after = updated(user, changes, terms.now, terms.limits)
        edit = change_edit(user, remembered(after, idempotency_key), changes, terms.now)
        return replace(edit, coiner=terms.coiner)

    if create_if_missing:
        edit = await change_or_create(store, ref, step, terms)
    else:
        edit = await change_existing(store, ref, step)
    return edit.user


def _check_key(key: str | None) -> None:
    path = ("idempotencyKey",)
    if key == "":
        raise InvalidInput("The idempotency key is empty.", path)
    if key is not None and len(key) > MAX_IDEMPOTENCY_KEY_CHARACTERS:
        raise LimitExceeded(
            f"The idempotency key is longer than {MAX_IDEMPOTENCY_KEY_CHARACTERS} characters.",
            path,
            MAX_IDEMPOTENCY_KEY_CHARACTERS,
        )
