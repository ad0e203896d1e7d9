"""What a document is made of, node by node."""

from collections.abc import Iterator

from graphql import Node, VariableNode
from graphql.language.ast import QUERY_DOCUMENT_KEYS


def nodes_in(*parts: Node) -> Iterator[Node]:
    """Yield these parts of a document and all nodes inside of them, in no order.

    `graphql.visit` keeps where it is, for whoever changes the document; that takes several times
    as long.
    """
    left = list(parts)
    while left:
        node = left.pop()
        yield node
        for key in QUERY_DOCUMENT_KEYS.get(node.kind, ()):
            inside = getattr(node, key)
            if isinstance(inside, Node):
                left.append(inside)
            elif inside:
                left.extend(inside)


def variables_in(*parts: Node) -> Iterator[str]:
    """Yield the name of every variable in these parts of a document."""
    return (node.name.value for node in nodes_in(*parts) if isinstance(node, VariableNode))


def is_constant(*parts: Node) -> bool:
    """Return whether no variable stands in these parts of a document."""
    return next(variables_in(*parts), None) is None
