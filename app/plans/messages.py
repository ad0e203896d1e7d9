"""Messages of subscriptions, shown by a plan where everything asked for stands in them."""

from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    get_named_type,
)
from graphql.execution.values import VariableValues

from app.plans.compiler import Compiler
from app.plans.parts import Run, Unplanned
from app.plans.selection import Selections, operation_of, switches_of
from app.plans.sources import SOURCES
from app.schema.context import Context, Show


def showing(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation_name: str | None,
    variables: VariableValues,
) -> Show:
    """Return what shows the messages of a subscription, for these values of its variables.

    Raises:
        Unplanned: there is no plan for what it selects.
    """
    operation = operation_of(document, operation_name)
    root, type_name = _told(schema, operation)
    chosen = {name: variables.coerced[name] for name in switches_of(document)}
    selections = Selections(schema, document, chosen)
    ((key, nodes),) = selections.of(root, [operation.selection_set]).items()
    part = Compiler(schema, selections, {}).object(type_name, nodes)
    if part.waits:
        raise Unplanned

    def show(message: Any, context: Context) -> dict[str, Any] | None:
        run = Run(context, variables, context.today, context.store.instants)
        try:
            return {key: part.make(message, run)}
        except Exception:  # whatever it is, the standard executor meets it, too, and shows it
            return None

    return show


def _told(
    schema: GraphQLSchema, operation: OperationDefinitionNode
) -> tuple[GraphQLObjectType, str]:
    """Return the root of subscriptions, and the name of what an operation is told.

    Raises:
        Unplanned: there is no plan for that.
    """
    match operation.selection_set.selections:
        case (FieldNode(name=name),) if schema.subscription_type and not operation.directives:
            root = schema.subscription_type
            told = get_named_type(root.fields[name.value].type).name
            if told in SOURCES:
                return root, told
    raise Unplanned
