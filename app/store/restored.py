"""What every store says of a person who comes back from elsewhere."""

from app.domain.errors import InvalidInput


def known_id(position: int) -> InvalidInput:
    """Return the refusal of an id that finds, or found, somebody else.

    Args:
        position: Of the id among the user's own and those of whom the user absorbed.
    """
    if not position:
        return InvalidInput("The person with this id was deleted here.", ("id",))
    path = ("mergedIds", str(position - 1))
    return InvalidInput("This id is, or was, another person's here.", path)
