"""What an operation costs: how many fields it would answer, every list counted in full.

A document is priced once; what its variables say of the lengths of lists is put in at each
request. Fields behind `@skip` and `@include` count as well.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLCompositeType,
    GraphQLField,
    GraphQLList,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_composite_type,
)

ASSUMED_LENGTH: Final = 10
"""Of lists whose length nobody asked for: identities, devices, totals."""

LENGTHS: Final = {("Query", "segments"): 200, ("User", "segments"): 50}
"""Lists that are longer than that where they are used in earnest."""

SURCHARGES: Final = {
    ("Query", "userCount"): 100,
    ("Segment", "count"): 100,
    ("UserConnection", "totalCount"): 100,
    ("User", "matches"): 10,
    ("User", "personalised"): 500,
    ("User", "segments"): 20,
}
"""Fields behind which more is done than something is read."""

_SIZES: Final = ("first", "by")
"""Arguments that say how long a list is: as a number, or by being as long."""


@dataclass(frozen=True)
class Length:
    """How long a list is: `known`, unless a variable says so when it is given."""

    known: int
    variable: str | None = None

    def given(self, variables: Mapping[str, Any], page: int) -> int:
        """Return the length, within what a page can hold: more is refused where it is asked for."""
        value = variables.get(self.variable, self.known) if self.variable else self.known
        if isinstance(value, list):
            value = len(value)
        return max(1, min(value, page)) if isinstance(value, int) else page


_ONCE: Final = Length(1)


@dataclass(frozen=True)
class Price:
    """What a part of a document costs: `own`, and what is repeated as often as lists are long."""

    own: int
    repeated: "tuple[tuple[Length, Price], ...]" = ()

    def exceeds(self, limit: int, variables: Mapping[str, Any], page: int) -> bool:
        """Return whether it costs more; no more of it is looked at than costs the limit."""
        return self._left(limit, 1, variables, page) < 0

    def _left(self, left: int, times: int, variables: Mapping[str, Any], page: int) -> int:
        left -= self.own * times
        for length, price in self.repeated:
            if left < 0:
                break
            times_inside = times * length.given(variables, page)
            left = price._left(left, times_inside, variables, page)
        return left


def price_of(schema: GraphQLSchema, document: DocumentNode, name: str | None) -> Price:
    """Return the price of the operation of that name, or of the first, in a valid document."""
    operation = next(
        definition
        for definition in document.definitions
        if isinstance(definition, OperationDefinitionNode)
        and (name is None or (definition.name and definition.name.value == name))
    )
    root = cast("GraphQLObjectType", schema.get_root_type(operation.operation))
    return _Pricing(schema, document, operation).of(operation.selection_set, root, None)


class _Pricing:
    """The pricing of one operation; a fragment is priced once."""

    def __init__(
        self, schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode
    ) -> None:
        self._schema = schema
        self._fragments = {
            definition.name.value: definition
            for definition in document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        self._defaults = {
            definition.variable.name.value: _size(definition.default_value)
            for definition in operation.variable_definitions or ()
        }
        self._priced: dict[tuple[str, Length | None], Price] = {}

    def of(
        self, selection_set: SelectionSetNode, type: GraphQLCompositeType, page: Length | None
    ) -> Price:
        """Return the price of selections on a type; of a connection, with its page's length."""
        own, repeated = 0, list[tuple[Length, Price]]()
        for node in _once_each(selection_set.selections):
            extra, length, price = self._part(node, type, page)
            own += extra
            if length.variable is None and not price.repeated:
                own += length.known * price.own
            else:
                repeated.append((length, price))
        return Price(own, tuple(repeated))

    def _part(
        self, node: SelectionNode, type: GraphQLCompositeType, page: Length | None
    ) -> tuple[int, Length, Price]:
        match node:
            case FieldNode():
                return self._field(node, type, page)
            case FragmentSpreadNode():
                return 1, _ONCE, self._fragment(node.name.value, page)
            case InlineFragmentNode():
                on = node.type_condition
                inner = self._type(on.name.value) if on else type
                return 1, _ONCE, self.of(node.selection_set, inner, page)
            case _:
                raise TypeError(f"There are no selections of the kind {node.kind}.")

    def _field(
        self, node: FieldNode, type: GraphQLCompositeType, outer: Length | None
    ) -> tuple[int, Length, Price]:
        field = cast("GraphQLField", self._schema.get_field(type, node.name.value))
        place = (type.name, node.name.value)
        own = 1 + SURCHARGES.get(place, 0)
        inner = get_named_type(field.type)
        if node.selection_set is None or not is_composite_type(inner):
            return own, _ONCE, Price(0)
        asked = self._asked(node, field)
        # Only `first` is the length of a list further in; by `by`, there is one of each.
        page = asked if "first" in field.args else None
        price = self.of(node.selection_set, inner, page)
        if not isinstance(get_nullable_type(field.type), GraphQLList):
            return own, _ONCE, price
        return own, asked or outer or Length(LENGTHS.get(place, ASSUMED_LENGTH)), price

    def _asked(self, node: FieldNode, field: GraphQLField) -> Length | None:
        """Return how long a list the arguments of a field ask for, if they say."""
        size = next((name for name in _SIZES if name in field.args), None)
        if size is None:
            return None
        by_default = field.args[size].default_value
        known = by_default if isinstance(by_default, int) else 1
        value = next((a.value for a in node.arguments or () if a.name.value == size), None)
        if isinstance(value, VariableNode):
            name = value.name.value
            default = self._defaults.get(name)
            return Length(known if default is None else default, name)
        given = _size(value)
        return Length(known if given is None else given)

    def _fragment(self, name: str, page: Length | None) -> Price:
        key = (name, page)
        if key not in self._priced:
            fragment = self._fragments[name]
            on = self._type(fragment.type_condition.name.value)
            self._priced[key] = self.of(fragment.selection_set, on, page)
        return self._priced[key]

    def _type(self, name: str) -> GraphQLCompositeType:
        return cast("GraphQLCompositeType", self._schema.get_type(name))


def _once_each(selections: tuple[SelectionNode, ...]) -> Iterator[SelectionNode]:
    """Yield selections, but each fragment once: it is answered once, however often it is spread."""
    spread: set[str] = set()
    for node in selections:
        if isinstance(node, FragmentSpreadNode):
            if node.name.value in spread:
                continue
            spread.add(node.name.value)
        yield node


def _size(value: ValueNode | None) -> int | None:
    """Return what a literal says of a length; None if it says nothing."""
    match value:
        case IntValueNode():
            return int(value.value)
        case ListValueNode():
            return len(value.values)
        case _:
            return None
