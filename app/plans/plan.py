"""The plan of one operation, and those of all that clients send."""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
)
from graphql.execution.values import VariableValues

from app.auth import Role
from app.plans.compiler import Compiler
from app.plans.messages import showing
from app.plans.mutations import MUTATIONS
from app.plans.parts import Part, Run, Surprise, Unplanned, settled
from app.plans.people import ROOTS
from app.plans.selection import Selections, names_in, operation_of, switches_of
from app.plans.variables import are_plain, coercion, quick_coercion
from app.schema.context import Context, Show
from app.schema.cost import price_of
from app.schema.gate import refusals

KEPT_PLANS: Final = 1_000
KEPT_VARIANTS: Final = 16

MAX_QUERY_CHARACTERS: Final = 20_000
"""No plan is made for, or kept with, a longer document."""


_ROOTS: Final = ROOTS | MUTATIONS

_FAR: Final = frozenset({"userCount", "totalCount", "matches", "segments", "where"})
"""Fields and arguments that may make a store look at many people, or far back."""


class Plan:
    """How one operation is answered.

    Attributes:
        document: Where it stands.
        changes: Whether it does something, once, and then shows it.
        looks_far: Whether it may look at many people one by one.
    """

    def __init__(
        self, schema: GraphQLSchema, document: DocumentNode, operation_name: str | None
    ) -> None:
        """Make the plan.

        Raises:
            Unplanned: there is none for such an operation.
        """
        operation = operation_of(document, operation_name)
        if operation.operation is OperationType.SUBSCRIPTION or operation.directives:
            raise Unplanned
        self._schema, self.document, self._operation = schema, document, operation
        self._name = operation_name
        self.changes = operation.operation is OperationType.MUTATION
        self.looks_far = not self.changes and bool(_FAR & names_in(document))
        self._price = price_of(schema, document, operation_name)
        self._switches = sorted(switches_of(document))
        if self.changes:
            _check_is_one(document, operation)
            self._variables = quick_coercion(schema, operation)
        else:
            self._variables = coercion(schema, operation, plainly=are_plain(document))
        self._variants: OrderedDict[tuple[bool, ...], Part] = OrderedDict()
        self._whole = None if self._switches else self._variant(())

    def serves(self, context: Context) -> bool:
        """Return whether it answers such a caller; what is shown of people, resolvers guard."""
        return self.changes or context.caller.role is Role.SERVICE

    def admits(self, raw: Mapping[str, Any], context: Context) -> bool:
        """Return whether the operation, let through before, may be answered to this caller, too."""
        return (
            self.serves(context)
            and not self._price.exceeds(context.requests.cost, raw, context.limits.page)
            and not refusals(self._schema, self.document, self._name, raw, context)
        )

    async def answer(self, raw: Mapping[str, Any], context: Context) -> Any:
        """Return the data of the answer, or None if the standard executor is to answer."""
        return await self.finish(self.begin(raw, context))

    def begin(self, raw: Mapping[str, Any], context: Context) -> Any:
        """Return the data of the answer as far as it is at hand.

        That is all of it, or `Pending` before anything was done, or None if the standard executor
        is to answer.
        """
        try:
            variables = self._variables(raw)
            part = self._whole or self._variant(
                tuple(variables.coerced[name] for name in self._switches)
            )
            run = Run(context, variables, context.today, context.store.instants)
            return part.make(None, run)
        except Exception:  # whatever it is, the standard executor meets it, too, and shows it
            return None

    async def finish(self, data: Any) -> Any:
        """Return the data of an answer that was begun, or None if the standard executor is to."""
        try:
            return await settled(data)
        except Exception:  # whatever it is, the standard executor meets it, too, and shows it
            return None

    def _variant(self, switches: tuple[bool, ...]) -> Part:
        """Return the part that answers while the variables of `@skip` and `@include` are so."""
        if any(type(switch) is not bool for switch in switches):
            raise Surprise
        if (part := self._variants.get(switches)) is None:
            chosen = dict(zip(self._switches, switches, strict=True))
            selections = Selections(self._schema, self.document, chosen)
            compiler = Compiler(self._schema, selections, _ROOTS)
            part = self._variants[switches] = compiler.operation(self._operation)
            if len(self._variants) > KEPT_VARIANTS:
                self._variants.popitem(last=False)
        return part


def _check_is_one(document: DocumentNode, operation: OperationDefinitionNode) -> None:
    """Return if a mutation is one field, in which nothing is deep inside of literals.

    Raises:
        Unplanned: it is not.
    """
    match operation.selection_set.selections:
        case (FieldNode(selection_set=SelectionSetNode() as selected),):
            fragments = [d for d in document.definitions if isinstance(d, FragmentDefinitionNode)]
            if not are_plain(selected, *fragments):
                raise Unplanned
        case _:
            raise Unplanned


class Plans:
    """The plans of the operations that clients send, the newest of them."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._plans: OrderedDict[tuple[str, str | None], Plan | None] = OrderedDict()

    async def answer(
        self,
        text: str,
        operation_name: str | None,
        variables: Mapping[str, Any],
        document: DocumentNode,
        context: Context,
    ) -> dict[str, Any] | None:
        """Return the data that answers a query, or None if the standard executor is to answer."""
        plan = self.of(text, document, operation_name)
        return await plan.answer(variables, context) if plan and plan.serves(context) else None

    def known(self, text: str, operation_name: str | None) -> Plan | None:
        """Return the plan of an operation that was let through before, if there is one."""
        return self._plans.get((text, operation_name))

    def of_messages(
        self, document: DocumentNode, operation_name: str | None, variables: VariableValues
    ) -> Show | None:
        """Return what shows the messages of a valid subscription, or None if there is no plan."""
        try:
            return showing(self._schema, document, operation_name, variables)
        except Exception:  # whatever has no plan, the standard executor answers
            return None

    def of(self, query: str, document: DocumentNode, operation_name: str | None) -> Plan | None:
        """Return the plan of a valid operation, or None if there is none for it."""
        if len(query) > MAX_QUERY_CHARACTERS:
            return None
        key = (query, operation_name)
        if key not in self._plans:
            try:
                self._plans[key] = Plan(self._schema, document, operation_name)
            except Exception:  # whatever has no plan, the standard executor answers
                self._plans[key] = None
            if len(self._plans) > KEPT_PLANS:
                self._plans.popitem(last=False)
        return self._plans[key]
