"""The schema keeps the names, types and nullability that clients rely on; it may hold more."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from graphql import (
    GraphQLArgument,
    GraphQLSchema,
    Undefined,
    build_schema,
    find_breaking_changes,
    is_non_null_type,
    is_union_type,
)

from app.schema import schema_text

ROOT: Final = Path(__file__).parents[2]

CONTRACT: Final = """
directive @oneOf on INPUT_OBJECT
scalar Date
scalar DateTime
scalar Cursor
scalar PropertyValue
scalar Properties
scalar Numbers
scalar TextLists
scalar CriteriaDocument
enum ProfileType { ANONYMOUS ADDRESSABLE CUSTOMER }
enum IdentityKind { CUSTOM EMAIL PHONE FACEBOOK GOOGLE DEVICE }
enum Gender { FEMALE MALE OTHER }
enum Channel { EMAIL PUSH SMS WHATSAPP }
enum Platform { ANDROID IOS WEB SERVER OTHER }
enum PushService { FCM APNS WEB_PUSH WNS OTHER }
enum UserOrder { NEWEST OLDEST LAST_SEEN }
type Query {
  user(by: UserBy!): User
  usersBy(by: [UserBy!]!): [User]
  users(
    where: Criteria, orderBy: UserOrder! = NEWEST, first: Int! = 20, after: Cursor
  ): UserConnection
  userCount(where: Criteria): Int
  segment(id: ID!): Segment
  segments: [Segment!]
  catalog: Catalog
}
input UserBy @oneOf {
  id: ID custom: String email: String phone: String facebook: String google: String device: String
}
type User {
  id: ID!
  type: ProfileType!
  age: Int
  name: String
  email: String
  phone: String
  birthday: Date
  gender: Gender
  language: String
  timezone: String
  photoUrl: String
  location: Location
  properties(names: [String!]): Properties!
  property(name: String!): PropertyValue
  identities: [Identity!]!
  devices: [Device!]!
  channels: [ChannelStatus!]!
  reachableBy: [Channel!]!
  events(
    name: String, since: DateTime, until: DateTime, first: Int! = 20, after: Cursor
  ): EventConnection!
  activity(names: [String!]): [EventActivity!]!
  segments: [Segment!]!
  matches(criteria: Criteria!): Boolean
  personalised(template: String!): String
  createdAt: DateTime!
  updatedAt: DateTime!
  lastSeenAt: DateTime
  version: Int!
  mergedIds: [ID!]!
}
type Identity { kind: IdentityKind! value: String! linkedAt: DateTime! }
type Location { country: String region: String city: String latitude: Float longitude: Float }
type Device {
  id: ID! platform: Platform! model: String osVersion: String appVersion: String push: PushService
  pushEnabled: Boolean! lastSeenAt: DateTime!
}
type ChannelStatus { channel: Channel! subscribed: Boolean! changedAt: DateTime }
type Event { id: ID! name: String! at: DateTime! properties: Properties! items: [Properties!]! }
type EventActivity { name: String! count: Int! firstAt: DateTime! lastAt: DateTime! }
type PageInfo {
  hasNextPage: Boolean! hasPreviousPage: Boolean! startCursor: Cursor endCursor: Cursor
}
type UserConnection { edges: [UserEdge!]! nodes: [User!]! pageInfo: PageInfo! totalCount: Int! }
type UserEdge { cursor: Cursor! node: User! }
type EventConnection { edges: [EventEdge!]! nodes: [Event!]! pageInfo: PageInfo! }
type EventEdge { cursor: Cursor! node: Event! }
type Segment {
  id: ID!
  name: String!
  description: String
  criteria: CriteriaDocument!
  users(orderBy: UserOrder! = NEWEST, first: Int! = 20, after: Cursor): UserConnection!
  count: Int!
  createdAt: DateTime!
  updatedAt: DateTime!
}
type Catalog { properties: [PropertyDefinition!]! events: [EventDefinition!]! }
type PropertyDefinition { name: String! kinds: [PropertyKind!]! }
enum PropertyKind { TEXT NUMBER BOOLEAN DATE DATE_TIME TEXT_LIST }
type EventDefinition { name: String! properties: [PropertyDefinition!]! }
input Criteria @oneOf {
  all: [Criteria!] any: [Criteria!] not: Criteria type: [ProfileType!] age: IntRange
  gender: [Gender!] language: [String!] location: LocationFilter identity: IdentityFilter
  reachableBy: Channel property: PropertyFilter did: EventFilter didNot: EventFilter segment: ID
  createdAt: TimeWindow lastSeenAt: TimeWindow
}
input IntRange { min: Int max: Int }
input LocationFilter { country: [String!] region: [String!] city: [String!] near: Circle }
input Circle { latitude: Float! longitude: Float! radiusMetres: Float! }
input IdentityFilter { kind: IdentityKind! value: String }
input PropertyFilter { name: String! is: ValueFilter! }
input ValueFilter @oneOf {
  equals: PropertyValue notEquals: PropertyValue in: [PropertyValue!] notIn: [PropertyValue!]
  contains: String notContains: String startsWith: String exists: Boolean gt: PropertyValue
  gte: PropertyValue lt: PropertyValue lte: PropertyValue between: [PropertyValue!]
  within: TimeWindow
}
input EventFilter {
  name: String! where: [PropertyFilter!] during: TimeWindow count: IntRange sum: NumberSumFilter
}
input NumberSumFilter { property: String! min: Float max: Float }
input TimeWindow @oneOf {
  lastDays: Int last: String between: DateRange on: Date before: DateTime since: DateTime
}
input DateRange { from: Date! to: Date! }
type Mutation {
  userIdentify(
    identities: [IdentityInput!]!, device: String, changes: UserChanges
  ): UserIdentifyResult
  userUpdate(
    user: UserBy!, changes: UserChanges!, createIfMissing: Boolean! = false, expectedVersion: Int,
    idempotencyKey: ID
  ): UserUpdateResult
  userRecordEvents(
    user: UserBy!, events: [EventInput!]!, createIfMissing: Boolean! = false
  ): UserRecordEventsResult
  userLinkIdentity(user: UserBy!, identity: IdentityInput!): UserLinkIdentityResult
  userUnlinkIdentity(user: UserBy!, identity: IdentityInput!): UserUnlinkIdentityResult
  userMerge(from: UserBy!, into: UserBy!, dryRun: Boolean! = false): UserMergeResult
  userDelete(user: UserBy!): UserDeleteResult
  deviceRegister(user: UserBy!, device: DeviceInput!): DeviceRegisterResult
  deviceLogOut(device: String!): DeviceLogOutResult
  segmentSave(id: ID, name: String!, description: String, criteria: Criteria!): SegmentSaveResult
  segmentDelete(id: ID!): SegmentDeleteResult
}
input IdentityInput @oneOf {
  custom: String email: String phone: String facebook: String google: String device: String
}
input UserChanges {
  name: String email: String phone: String birthday: Date gender: Gender language: String
  timezone: String photoUrl: String location: LocationInput properties: PropertyChanges
  channels: ChannelChanges
}
input LocationInput {
  country: String region: String city: String latitude: Float longitude: Float
}
input PropertyChanges {
  set: Properties setOnce: Properties increment: Numbers append: TextLists remove: TextLists
  unset: [String!]
}
input ChannelChanges { email: Boolean push: Boolean sms: Boolean whatsapp: Boolean }
input EventInput { id: ID name: String! at: DateTime properties: Properties items: [Properties!] }
input DeviceInput {
  id: String! platform: Platform! model: String osVersion: String appVersion: String
  push: PushInput
}
input PushInput { service: PushService! token: String! }
interface Error { message: String! }
type VersionConflictError implements Error { message: String! currentVersion: Int! }
type UserNotFoundError implements Error { message: String! }
type SegmentNotFoundError implements Error { message: String! id: ID! }
type DeviceNotFoundError implements Error { message: String! id: ID! }
type IdentityTakenError implements Error {
  message: String! kind: IdentityKind! value: String! userId: ID
}
type InvalidInputError implements Error { message: String! path: [String!]! }
type LimitExceededError implements Error { message: String! path: [String!]! limit: Int! }
enum IdentifyOutcome { CREATED FOUND CONVERTED MERGED SWITCHED }
type UserIdentifyPayload { user: User! outcome: IdentifyOutcome }
union UserIdentifyResult =
  UserIdentifyPayload | IdentityTakenError | InvalidInputError | LimitExceededError
type UserUpdatePayload { user: User! }
union UserUpdateResult =
  UserUpdatePayload | UserNotFoundError | VersionConflictError | InvalidInputError
  | LimitExceededError
type UserRecordEventsPayload { user: User! recorded: Int! duplicates: Int! }
union UserRecordEventsResult =
  UserRecordEventsPayload | UserNotFoundError | InvalidInputError | LimitExceededError
type UserLinkIdentityPayload { user: User! }
union UserLinkIdentityResult =
  UserLinkIdentityPayload | UserNotFoundError | IdentityTakenError | InvalidInputError
  | LimitExceededError
type UserUnlinkIdentityPayload { user: User! }
union UserUnlinkIdentityResult = UserUnlinkIdentityPayload | UserNotFoundError | InvalidInputError
type UserMergePayload { user: User! absorbedId: ID! }
union UserMergeResult =
  UserMergePayload | UserNotFoundError | InvalidInputError | LimitExceededError
type UserDeletePayload { deletedId: ID! }
union UserDeleteResult = UserDeletePayload | UserNotFoundError | InvalidInputError
type DeviceRegisterPayload { user: User! device: Device! }
union DeviceRegisterResult =
  DeviceRegisterPayload | UserNotFoundError | IdentityTakenError | InvalidInputError
  | LimitExceededError
type DeviceLogOutPayload { deviceId: ID! }
union DeviceLogOutResult = DeviceLogOutPayload | DeviceNotFoundError | InvalidInputError
type SegmentSavePayload { segment: Segment! }
union SegmentSaveResult =
  SegmentSavePayload | SegmentNotFoundError | InvalidInputError | LimitExceededError
type SegmentDeletePayload { deletedId: ID! }
union SegmentDeleteResult = SegmentDeletePayload | SegmentNotFoundError | InvalidInputError
type Subscription {
  userChanged(by: UserBy!): UserChange!
}
enum ChangeKind { CURRENT CREATED UPDATED MERGED DELETED }
type UserChange { kind: ChangeKind! userId: ID! user: User at: DateTime! cursor: Cursor! }
"""

KEPT: Final = build_schema(schema_text())


def facts(schema: GraphQLSchema) -> Iterator[str]:
    """Yield all that clients can rely on, one line a fact."""
    for name, type in schema.type_map.items():
        yield f"{type.ast_node.kind if type.ast_node else 'built-in'} {name}"
        yield from (f"{name} has {value}" for value in getattr(type, "values", ()))
        yield from (f"{name} has {member}" for member in getattr(type, "types", ()))
        yield from (f"{name} is {interface}" for interface in getattr(type, "interfaces", ()))
        yield from (f"{name} is @oneOf" for _ in range(getattr(type, "is_one_of", False)))
        for field, found in getattr(type, "fields", {}).items():
            yield f"{name}.{field}: {found.type}"
            for argument, asked in getattr(found, "args", {}).items():
                yield f"{name}.{field}({argument}): {asked.type}{_default(asked)}"


def _default(argument: GraphQLArgument) -> str:
    value = argument.default_value
    return "" if value in (None, Undefined) else f" = {value}"


def test_all_that_was_promised_is_kept():
    assert sorted(set(facts(build_schema(CONTRACT))) - set(facts(KEPT))) == []


def test_no_argument_is_asked_for_that_was_not_promised():
    changes = find_breaking_changes(build_schema(CONTRACT), KEPT)

    assert [change.description for change in changes] == []


def test_every_root_field_of_queries_and_mutations_is_nullable():
    roots = [KEPT.query_type, KEPT.mutation_type]
    fields = {name: field for root in roots if root for name, field in root.fields.items()}

    assert [name for name, field in fields.items() if is_non_null_type(field.type)] == []


RESULTS: Final = [
    type for type in KEPT.type_map.values() if is_union_type(type) and type.name.endswith("Result")
]


@pytest.mark.parametrize("result", RESULTS, ids=str)
def test_a_result_is_a_payload_or_an_error(result):
    payload, *errors = result.types

    assert payload.name == result.name.removesuffix("Result") + "Payload"
    assert {str(interface) for error in errors for interface in error.interfaces} == {"Error"}


def test_the_schema_file_is_the_schema():
    assert (ROOT / "schema.graphql").read_text(encoding="utf-8") == schema_text()
