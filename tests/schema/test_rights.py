"""Who may ask for what: the whole table, every field that leads to people for every caller."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any, Final

import pytest
import strawberry
from graphql import GraphQLField, build_schema, get_named_type, is_leaf_type

from app.domain.keys import KeyRole
from app.schema import schema_text
from app.schema.gate import check_declarations
from app.settings import Settings
from tests.api import Api, Clock, serving
from tests.credentials import INGEST, SERVICE, keyed, stored_key, token
from tests.schema.documents import IDENTIFY, REGISTER

SCHEMA: Final = build_schema(schema_text())

ADA: Final = {"custom": "ada"}
BOB: Final = {"custom": "bob"}

YES: Final = "yes"
NULL: Final = "null"
WHO: Final = "UNAUTHENTICATED"
NO: Final = "FORBIDDEN"

SAVE: Final = """
mutation { segmentSave(name: "All", criteria: {all: []}) {
  ... on SegmentSavePayload { segment { id } }
} }
"""

ARGUMENTS: Final = {
    "Query.user": "by: $by",
    "Query.usersBy": "by: [$by]",
    "Query.segment": 'id: "s"',
    "Query.userExport": "by: $by",
    "Mutation.recordsImport": 'records: [{user: {device: "watch"}}]',
    "Mutation.userIdentify": "identities: [$name]",
    "Mutation.userUpdate": "user: $by, changes: {}",
    "Mutation.userRecordEvents": 'user: $by, events: [{name: "Viewed"}]',
    "Mutation.userLinkIdentity": 'user: $by, identity: {facebook: "f"}',
    "Mutation.userUnlinkIdentity": 'user: $by, identity: {facebook: "f"}',
    "Mutation.userMerge": 'from: $by, into: {custom: "carl"}',
    "Mutation.userDelete": "user: $by",
    "Mutation.deviceRegister": "user: $by, device: {id: $device, platform: WEB}",
    "Mutation.deviceLogOut": "device: $device",
    "Mutation.segmentSave": 'name: "All", criteria: {all: []}',
    "Mutation.segmentDelete": 'id: "s"',
    "Subscription.userChanged": "by: $by",
    "Subscription.segmentMembershipChanged": "segment: $segment",
    "Subscription.eventRecorded": "user: $by",
}

VARIABLES: Final = {
    "$by": "UserBy!",
    "$name": "IdentityInput!",
    "$device": "String!",
    "$segment": "ID!",
}

CALLERS: Final = ("nobody", "ingest", "trusting", "self", "other", "service", "keyless")

FOR_SERVICE: Final = (WHO, NO, NO, NO, NO, YES, YES)
FOR_READERS: Final = (WHO, NO, NO, YES, NO, YES, YES)
FOR_WRITERS: Final = (WHO, YES, YES, YES, NO, YES, YES)
FOR_LOGINS: Final = (WHO, NO, YES, YES, NO, YES, YES)

ROOTS: Final = {
    "Query.user": FOR_READERS,
    "Query.usersBy": FOR_READERS,
    "Query.users": FOR_SERVICE,
    "Query.userCount": FOR_SERVICE,
    "Query.segment": FOR_SERVICE,
    "Query.segments": FOR_SERVICE,
    "Query.catalog": FOR_SERVICE,
    "Query.userExport": FOR_SERVICE,
    "Query.viewer": (NULL, NULL, NULL, YES, YES, NULL, NULL),
    "Mutation.userIdentify": FOR_LOGINS,
    "Mutation.userUpdate": FOR_WRITERS,
    "Mutation.userRecordEvents": FOR_WRITERS,
    "Mutation.userLinkIdentity": FOR_SERVICE,
    "Mutation.userUnlinkIdentity": FOR_SERVICE,
    "Mutation.userMerge": FOR_SERVICE,
    "Mutation.userDelete": FOR_SERVICE,
    "Mutation.deviceRegister": FOR_WRITERS,
    "Mutation.deviceLogOut": FOR_WRITERS,
    "Mutation.segmentSave": FOR_SERVICE,
    "Mutation.segmentDelete": FOR_SERVICE,
    "Mutation.recordsImport": FOR_SERVICE,
    "Subscription.userChanged": FOR_READERS,
    "Subscription.usersChanged": FOR_SERVICE,
    "Subscription.segmentMembershipChanged": FOR_SERVICE,
    "Subscription.eventRecorded": FOR_READERS,
}


@dataclass(frozen=True)
class Asking:
    """A caller, and whom they ask about."""

    api: Api
    by: dict[str, str]
    device: str
    segment: str = ""


@pytest.fixture
async def asking(sqlite_url: str, clock: Clock, caller: str) -> AsyncIterator[Asking]:
    """The caller, where Ada and Bob are known and have a phone each."""
    trusting, _ = await stored_key(sqlite_url, KeyRole.INGEST, trusting=True)
    keyless = Settings(database=sqlite_url.replace("people.db", "keyless.db"))
    settings = keyless if caller == "keyless" else keyed(sqlite_url)
    async with serving(settings, clock) as api:
        service = api.by(None if caller == "keyless" else SERVICE)
        for name in ("ada", "bob", "carl"):
            await service(IDENTIFY, identities=[{"custom": name}])
            phone = {"id": f"{name}-phone", "platform": "IOS"}
            await service(REGISTER, user={"custom": name}, device=phone)
        saved = await service(SAVE)
        asking = {
            "nobody": Asking(api, ADA, "ada-phone"),
            "ingest": Asking(api.by(INGEST), {"device": "new-phone"}, "new-phone"),
            "trusting": Asking(api.by(trusting), ADA, "ada-phone"),
            "self": Asking(api.by(token("ada")), ADA, "ada-phone"),
            "other": Asking(api.by(token("ada")), BOB, "bob-phone"),
            "service": Asking(api.by(SERVICE), BOB, "bob-phone"),
            "keyless": Asking(api, BOB, "bob-phone"),
        }[caller]
        yield replace(asking, segment=saved["segment"]["id"])


def selected(field: GraphQLField) -> str:
    return "" if is_leaf_type(get_named_type(field.type)) else "{ __typename }"


def document(coordinate: str, selection: str | None = None) -> str:
    """Return an operation that asks for one root field."""
    root, name = coordinate.split(".")
    field = SCHEMA.type_map[root].fields[name]  # type: ignore[attr-defined]
    arguments = ARGUMENTS.get(coordinate, "")
    used = [f"{name}: {type_}" for name, type_ in VARIABLES.items() if name in arguments]
    variables = f"({', '.join(used)})" if used else ""
    given = f"({arguments})" if arguments else ""
    inside = selected(field) if selection is None else selection
    return f"{root.lower()} {variables} {{ {name}{given} {inside} }}"


async def outcome(asking: Asking, text: str) -> str:
    """Return what comes of an operation; a subscription that goes on is a yes."""
    variables = {
        "by": asking.by,
        "name": asking.by,
        "device": asking.device,
        "segment": asking.segment,
    }
    if text.startswith("subscription"):
        return await _begun(asking, text, variables)
    answer = await asking.api.raw(text, **variables)
    return _outcome_in(answer)


def _outcome_in(answer: dict[str, Any]) -> str:
    if "errors" in answer:
        (code,) = {error["extensions"]["code"] for error in answer["errors"]}
        assert isinstance(code, str)
        return code
    (value,) = answer["data"].values()
    return NULL if value is None and "viewer" in answer["data"] else YES


async def _begun(asking: Asking, text: str, variables: dict[str, Any]) -> str:
    streaming = asking.api.http.post(
        "/graphql",
        json={"query": text, "variables": variables},
        headers={"accept": "text/event-stream", **asking.api.headers},
    )
    try:
        told = await asyncio.wait_for(streaming, 0.5)
    except TimeoutError:
        return YES
    return next(code for code in (WHO, NO) if code in told.text)


def test_the_table_has_every_root_field():
    roots = {
        f"{root}.{name}"
        for root in ("Query", "Mutation", "Subscription")
        for name in SCHEMA.type_map[root].fields  # type: ignore[attr-defined]
    }

    assert set(ROOTS) == roots


@pytest.mark.parametrize("caller", CALLERS)
async def test_every_root_field_for_every_caller(asking: Asking, caller: str):
    column = CALLERS.index(caller)
    expected = {coordinate: row[column] for coordinate, row in ROOTS.items()}

    found = {name: await outcome(asking, document(name)) for name in sorted(ROOTS)}

    assert found == expected


# ---------------------------------------------------------------- the fields of a person

WITH_ARGUMENTS: Final = {
    "property": 'property(name: "plan")',
    "matches": "matches(criteria: {all: []})",
    "personalised": 'personalised(template: "Hi")',
}

USER_FIELDS: Final = {
    WITH_ARGUMENTS.get(name, f"{name} {selected(field)}".strip()): name
    for name, field in SCHEMA.type_map["User"].fields.items()  # type: ignore[attr-defined]
}

BY_READING: Final = ("Query.user", "{ %s }")
BY_WRITING: Final = ("Mutation.userUpdate", "{ ... on UserUpdatePayload { user { %s } } }")

READING: Final = {
    "nobody": (BY_READING, WHO),
    "ingest": (BY_WRITING, NO),
    "trusting": (BY_WRITING, NO),
    "self": (BY_READING, YES),
    "other": (BY_READING, NO),
    "service": (BY_READING, YES),
    "keyless": (BY_READING, YES),
}

IDENTIFIES_WHAT_WAS_WRITTEN: Final = ("id", "version")


@pytest.mark.parametrize("caller", CALLERS)
async def test_every_field_of_a_person_for_every_caller(asking: Asking, caller: str):
    (root, around), usual = READING[caller]
    is_ingest = caller in ("ingest", "trusting")
    expected = {
        name: YES if is_ingest and name in IDENTIFIES_WHAT_WAS_WRITTEN else usual
        for name in USER_FIELDS.values()
    }

    found = {
        name: await outcome(asking, document(root, around % field))
        for field, name in USER_FIELDS.items()
    }

    assert found == expected


@pytest.mark.parametrize("caller", ["nobody", "ingest", "trusting", "service", "keyless"])
async def test_to_all_but_people_the_viewer_is_null_whatever_is_asked_of_it(asking: Asking):
    everything = " ".join(USER_FIELDS)

    assert await outcome(asking, document("Query.viewer", f"{{ {everything} }}")) == NULL


@pytest.mark.parametrize("caller", ["self"])
async def test_a_person_is_told_of_ones_own_events_only(asking: Asking):
    of_everybody = document("Subscription.eventRecorded").replace("(user: $by)", "")

    assert await outcome(asking, of_everybody.replace("($by: UserBy!)", "")) == NO


async def test_what_leads_from_a_person_to_others_is_not_for_people(sqlite_url: str, clock: Clock):
    inside = ("users { totalCount }", "count", "criteria", "evaluation { complete }")
    async with serving(keyed(sqlite_url), clock) as api:
        for field in inside:
            answer = await api.by(token()).raw(f"{{ viewer {{ segments {{ name {field} }} }} }}")

            assert answer["errors"][0]["extensions"]["code"] == NO


def test_a_field_that_leads_to_people_has_to_say_for_whom_it_is():
    @strawberry.type
    class Query:
        everybody: str

    with pytest.raises(TypeError, match=r"Query\.everybody declares no right"):
        check_declarations(strawberry.Schema(Query)._schema)
