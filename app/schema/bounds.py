"""How large a document may be, whatever it asks for: judged before it is validated.

Validation compares fields with one another, so that its own time depends on these bounds.
"""

from collections.abc import Iterator
from typing import Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSyntaxError,
    Lexer,
    Node,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    Source,
    TokenKind,
)

from app.limits import RequestLimits

_OPENING: Final = (TokenKind.BRACE_L, TokenKind.BRACKET_L, TokenKind.PAREN_L)
_CLOSING: Final = (TokenKind.BRACE_R, TokenKind.BRACKET_R, TokenKind.PAREN_R)

_NESTED_PER_LEVEL: Final = 4

Fragments = dict[str, FragmentDefinitionNode]


def limit_error(
    name: str, message: str, limit: float, code: str = "LIMIT_EXCEEDED"
) -> GraphQLError:
    """Return the error of a request that passes one of its limits."""
    extensions = {"code": code, "name": name, "limit": limit}
    return GraphQLError(f"{message} ({name}).", extensions=extensions)


def fault_in_text(text: str, limits: RequestLimits) -> GraphQLError | None:
    """Return which bound a text passes that could not be parsed; None if it is wrong otherwise."""
    lexer, tokens, levels = Lexer(Source(text)), 0, 0
    try:
        while (token := lexer.advance()).kind is not TokenKind.EOF:
            tokens += 1
            levels += (token.kind in _OPENING) - (token.kind in _CLOSING)
            if tokens > limits.tokens:
                return _over("tokens", limits.tokens, "tokens in a document")
            if levels > 2 * limits.depth:  # a level of fields opens a parenthesis and a brace
                return _over("depth", limits.depth, "levels of fields")
    except GraphQLSyntaxError:
        return None
    return None


def fault_in_document(document: DocumentNode, limits: RequestLimits) -> GraphQLError | None:
    """Return which bound a document passes, if any."""
    fragments: Fragments = {
        definition.name.value: definition
        for definition in document.definitions
        if isinstance(definition, FragmentDefinitionNode)
    }
    if len(fragments) > limits.fragments:
        return _over("fragments", limits.fragments, "fragments in a document")
    return _fault_in_selections(document, limits) or _fault_in_operations(
        document, fragments, limits
    )


def _fault_in_selections(document: DocumentNode, limits: RequestLimits) -> GraphQLError | None:
    fields = aliases = 0
    for node in _parts(document):
        if len(getattr(node, "directives", None) or ()) > limits.directives:
            return _over("directives", limits.directives, "directives in one place")
        if isinstance(node, FieldNode):
            fields += 1
            aliases += node.alias is not None
    if fields > limits.fields:
        return _over("fields", limits.fields, "fields in a document")
    if aliases > limits.aliases:
        return _over("aliases", limits.aliases, "aliases in a document")
    return None


def _parts(document: DocumentNode) -> Iterator[Node]:
    """Yield all definitions of a document, and all selections in them."""
    waiting: list[Node] = list(document.definitions)
    while waiting:
        node = waiting.pop()
        yield node
        yield from getattr(node, "variable_definitions", None) or ()
        waiting += _selections(getattr(node, "selection_set", None))


def _fault_in_operations(
    document: DocumentNode, fragments: Fragments, limits: RequestLimits
) -> GraphQLError | None:
    depths = _Depths(fragments, limits.depth)
    for operation in document.definitions:
        if isinstance(operation, OperationDefinitionNode):
            if sum(1 for _ in _fields(operation, fragments)) > limits.root_fields:
                return _over("root_fields", limits.root_fields, "fields in an operation itself")
            if depths.exceed(operation.selection_set):
                return _over("depth", limits.depth, "levels of fields")
    return None


def _fields(operation: OperationDefinitionNode, fragments: Fragments) -> Iterator[FieldNode]:
    """Yield the fields that an operation selects itself, or through fragments."""
    spread: set[str] = set()
    waiting = list(_selections(operation.selection_set))
    while waiting:
        node = waiting.pop()
        if isinstance(node, FieldNode):
            yield node
        elif not isinstance(node, FragmentSpreadNode):
            waiting += _selections(getattr(node, "selection_set", None))
        elif node.name.value in fragments and node.name.value not in spread:
            spread.add(node.name.value)
            waiting += _selections(fragments[node.name.value].selection_set)


class _TooDeep(Exception):
    """Selections nest further than anybody needs, or than we should follow."""


class _Depths:
    """How deep selections nest. A fragment is measured once; one inside itself counts nothing."""

    def __init__(self, fragments: Fragments, limit: int) -> None:
        self._fragments = fragments
        self._limit = limit
        self._known: dict[str, int] = {}

    def exceed(self, selection_set: SelectionSetNode) -> bool:
        try:
            return self._of(selection_set, 0) > self._limit
        except _TooDeep:
            return True

    def _of(self, selection_set: SelectionSetNode | None, nested: int) -> int:
        # Fragments in fragments are no levels of fields, but would be levels of our own stack.
        if nested > _NESTED_PER_LEVEL * self._limit:
            raise _TooDeep
        deepest = 0
        for node in _selections(selection_set):
            deepest = max(deepest, self._of_one(node, nested + 1))
        return deepest

    def _of_one(self, node: SelectionNode, nested: int) -> int:
        if not isinstance(node, FragmentSpreadNode):
            inside = self._of(getattr(node, "selection_set", None), nested)
            return inside + isinstance(node, FieldNode)
        name = node.name.value
        if name not in self._known:
            self._known[name] = 0
            fragment = self._fragments.get(name)
            self._known[name] = self._of(fragment.selection_set, nested) if fragment else 0
        return self._known[name]


def _selections(selection_set: SelectionSetNode | None) -> tuple[SelectionNode, ...]:
    return tuple(selection_set.selections) if selection_set else ()


def _over(name: str, limit: int, what: str) -> GraphQLError:
    return limit_error(name, f"There may be at most {limit} {what}", limit)
