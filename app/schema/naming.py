"""Whom a caller may name: what the arguments of an operation say of that, before it runs.

Ingest keys name people by identities, never by id: by an identity that is nobody's somebody is
made, so that the answer does not tell who was there; by an id nobody can be. Unless they are
trusting, they name devices alone: whoever knows an address would otherwise write to its owner.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from graphql import (
    FieldNode,
    GraphQLError,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLSchema,
    OperationDefinitionNode,
    get_argument_values,
    get_nullable_type,
    get_variable_values,
)

from app.auth import Caller, Person
from app.domain.errors import InvalidInput
from app.domain.identity import IdentityKind, normalised
from app.domain.limits import Limits
from app.schema.context import Context
from app.schema.inputs import MAX_NAMES_AT_ONCE

Named = tuple[str, Mapping[str, Any]]
"""The name of an input type by which somebody is named, and its value."""

_NAMES_SOMEBODY: Final = ("UserBy", "IdentityInput", "DeviceInput")


def misnamed(
    schema: GraphQLSchema,
    operation: OperationDefinitionNode,
    roots: Iterable[FieldNode],
    variables: Mapping[str, Any],
    context: Context,
) -> Iterator[tuple[FieldNode, str]]:
    """Yield the root fields whose arguments name whom the caller may not, and what is wrong."""
    root = schema.get_root_type(operation.operation)
    values = get_variable_values(schema, operation.variable_definitions or (), dict(variables))
    if root is None or isinstance(values, list):
        return  # what cannot be executed names nobody
    for node in roots:
        field = root.fields.get(node.name.value)
        if field is None:
            continue
        try:
            arguments = get_argument_values(field, node, values)
        except GraphQLError:
            continue
        if message := _fault(list(_named_in(field, arguments)), context):
            yield node, message


def _named_in(field: GraphQLField, arguments: Mapping[str, Any]) -> Iterator[Named]:
    for name, value in arguments.items():
        yield from _named(field.args[name].type, value)


def _named(type_: GraphQLInputType, value: Any) -> Iterator[Named]:
    bare = get_nullable_type(type_)
    if isinstance(bare, GraphQLList) and isinstance(value, list):
        for item in value:
            yield from _named(bare.of_type, item)
    elif isinstance(bare, GraphQLInputObjectType) and isinstance(value, Mapping):
        if bare.name in _NAMES_SOMEBODY:
            yield bare.name, value
        else:
            for name, inner in value.items():
                yield from _named(bare.fields[name].type, inner)


def _fault(named: list[Named], context: Context) -> str | None:
    if len(named) > MAX_NAMES_AT_ONCE:
        return f"One call names at most {MAX_NAMES_AT_ONCE} people or identities."
    if person := context.caller.person:
        return _fault_of_person(named, person, context.limits)
    return _fault_of_ingest_key(named, context.caller)


def _fault_of_person(named: list[Named], person: Person, limits: Limits) -> str | None:
    own = {
        (IdentityKind.CUSTOM, person.custom),
        (IdentityKind.EMAIL, person.email),
        (IdentityKind.PHONE, person.phone),
    }
    for type_name, value in named:
        if type_name == "IdentityInput" and not _is_among(value, own, limits):
            return "A person logs in as oneself, by what their token says of them."
    return None


def _is_among(
    raw: Mapping[str, Any], own: set[tuple[IdentityKind, str | None]], limits: Limits
) -> bool:
    ((kind, text),) = raw.items()
    if IdentityKind(kind) is IdentityKind.DEVICE:
        return True  # it names no person, and the login says so
    try:
        identity = normalised(
            IdentityKind(kind), text, (), test_mail_domains=limits.test_mail_domains
        )
    except InvalidInput:
        return True  # it is nobody's name, and the login says what is wrong with it
    return (identity.kind, identity.value) in own


def _fault_of_ingest_key(named: list[Named], caller: Caller) -> str | None:
    if any("id" in value for type_name, value in named if type_name == "UserBy"):
        return "An ingest key names people by their identities, not by id."
    if caller.trusting:
        return None
    people = [value for type_name, value in named if type_name in ("UserBy", "IdentityInput")]
    if any("device" not in value for value in people):
        return "This ingest key names people by their devices only."
    registering = {value["id"].strip() for type_name, value in named if type_name == "DeviceInput"}
    if registering and {value["device"].strip() for value in people} != registering:
        return "This ingest key registers a device for whoever has it only."
    return None
