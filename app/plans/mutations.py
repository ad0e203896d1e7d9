"""The mutations that are planned: those that servers and SDKs send all day.

What a plan did is never done again. It notes on the context what came of it, before it is shown;
should anything surprise it after that, the standard executor shows what was noted.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from graphql import GraphQLField
from strawberry.schema.schema_converter import GraphQLCoreConverter

from app.plans.compiler import Compiler, Nodes, Special
from app.plans.inputs import arguments
from app.plans.parts import Part, Pending, Run, Surprise, after, object_of
from app.plans.sources import Source
from app.schema import schema, writes
from app.schema.context import Done
from app.store.document import part_of_document

Act = Callable[..., Awaitable[Any]]


def _mutation(act: Act, payload: str) -> Special:
    """Return how a field is planned that does something, and answers a payload if that is done."""

    def planned(compiler: Compiler, field: GraphQLField, nodes: Nodes) -> Part:
        read, names = arguments(field, nodes[0]), _python_names(field)
        shown = object_of(
            {
                key: _shown(compiler, payload, each)
                for key, each in compiler.fields(payload, nodes).items()
            }
        )

        def begin(_: None, run: Run) -> Pending:
            given = {names[name]: value for name, value in read(run.variables.coerced).items()}
            return Pending(lambda: _done(act, given, run))

        return Part(after(begin, shown.make), lasts=False, waits=True)

    return planned


async def _done(act: Act, given: Mapping[str, Any], run: Run) -> Any:
    context = run.context
    try:
        returned = await act(context, **given)
    except Exception as fault:  # whatever it is, the executor shows it, and does nothing again
        context.done = Done(fault=fault)
        raise
    context.done = Done(returned)
    return returned


def _python_names(field: GraphQLField) -> dict[str, str]:
    definition: Any = field.extensions[GraphQLCoreConverter.DEFINITION_BACKREF]
    name_of = schema.config.name_converter.from_argument
    return {name_of(argument): argument.python_name for argument in definition.arguments}


# ---------------------------------------------------------------- payloads


def _shown(compiler: Compiler, payload: str, nodes: Nodes) -> Part:
    """Return the part that shows a field of a payload."""
    match nodes[0].name.value:
        case "user":
            return _user(compiler.object("User", nodes))
        case "rejected":
            return Part(_none_rejected)
        case name:
            return compiler.field(payload, nodes, Source(lambda made, _, __: getattr(made, name)))


def _user(person: Part) -> Part:
    def make(payload: Any, run: Run) -> Any:
        document = part_of_document(payload.user, person.fields, run.instants.kept)
        return person.make(document, run)

    return Part(make, lasts=False, waits=person.waits)


def _none_rejected(payload: Any, _: Run) -> list[Any]:
    if payload.rejected:
        raise Surprise  # errors are of many types
    return []


MUTATIONS: Final[dict[tuple[str, str], Special]] = {
    ("Mutation", "userIdentify"): _mutation(writes.user_identify, "UserIdentifyPayload"),
    ("Mutation", "userUpdate"): _mutation(writes.user_update, "UserUpdatePayload"),
    ("Mutation", "userRecordEvents"): _mutation(
        writes.user_record_events, "UserRecordEventsPayload"
    ),
    ("Mutation", "recordsImport"): _mutation(writes.records_import, "RecordsImportPayload"),
}
