"""Who may select a field: declared on the field, as `metadata=` one of the rights named here.

Every field of the roots and of User has to declare one. Any other field is for those who may read
people, unless it declares something else: nobody gets to it but through a field that did.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from graphql import GraphQLField, GraphQLInterfaceType, GraphQLObjectType, GraphQLSchema

from app.auth import Caller, Role

Declaration = Mapping[str, "Right"]

_KEY: Final = "right"
_DECLARED_THROUGHOUT: Final = ("Query", "Mutation", "Subscription", "User")


@dataclass(frozen=True)
class Right:
    """Who may select a field, beside service keys, which may select everything.

    Attributes:
        person: People with a token of their own; what they reach is oneself alone.
        ingest: Ingest keys.
        trusting: Of the ingest keys, those that may name strong identities.
        nobody: Whoever comes without a credential.
        own: Whether the field is null for all but people, whatever is selected below it.
    """

    person: bool = False
    ingest: bool = False
    trusting: bool = False
    nobody: bool = False
    own: bool = False

    def is_given_to(self, caller: Caller) -> bool:
        match caller.role:
            case Role.SERVICE:
                return True
            case Role.PERSON:
                return self.person
            case Role.INGEST:
                return self.ingest or (self.trusting and caller.trusting)
            case Role.NOBODY:
                return self.nobody


_READERS: Final = Right(person=True)

FOR_SERVICE: Final[Declaration] = {_KEY: Right()}
"""Only service keys: what is about people at large, or settles who is whom."""

FOR_READERS: Final[Declaration] = {_KEY: _READERS}
"""People, too, of themselves."""

FOR_WRITERS: Final[Declaration] = {_KEY: Right(person=True, ingest=True)}
"""Ingest keys as well: telling of somebody, and what is answered to that."""

FOR_LOGINS: Final[Declaration] = {_KEY: Right(person=True, trusting=True)}
"""Of the ingest keys only trusting ones: naming strong identities."""

FOR_ANYBODY: Final[Declaration] = {
    _KEY: Right(person=True, ingest=True, trusting=True, nobody=True, own=True)
}
"""Everybody, since it is null for all but the person whose token it is."""

Rights = Mapping[tuple[str, str], Right]
"""The right to each field, by the names of its type and its own."""


def rights_in(schema: GraphQLSchema, definition_key: str) -> Rights:
    """Return what the fields of a schema declare.

    Args:
        schema: As it is executed.
        definition_key: Under which Strawberry's field stands in the extensions of GraphQL's.

    Raises:
        TypeError: a field that has to declare a right does not.
    """
    rights = {}
    for type_name, type_ in schema.type_map.items():
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType) and type_name[:2] != "__":
            for name, field in type_.fields.items():
                rights[type_name, name] = _right_to(type_name, name, field, definition_key)
    return rights


def _right_to(type_name: str, name: str, field: GraphQLField, definition_key: str) -> Right:
    definition: Any = (field.extensions or {}).get(definition_key)
    declared: Right | None = definition.metadata.get(_KEY) if definition else None
    if declared is None and type_name in _DECLARED_THROUGHOUT:
        raise TypeError(f"{type_name}.{name} declares no right: say `metadata=FOR_SERVICE`, or so.")
    return declared or _READERS
