"""The documents that these tests send."""

from typing import Any, Final

from tests.api import Api

ADA: Final = {"custom": "ada"}
EVA: Final = {"custom": "eva"}

WHOLE: Final = """
fragment Whole on User {
  id type age name email phone birthday gender language timezone photoUrl
  location { country region city latitude longitude }
  properties
  property(name: "plan")
  identities { kind value linkedAt }
  devices { id platform model osVersion appVersion push pushEnabled lastSeenAt }
  channels { channel subscribed changedAt }
  reachableBy
  events(first: 100) {
    edges { cursor node { id } }
    nodes { id name at properties items }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
  activity { name count firstAt lastAt }
  segments { id }
  matches(criteria: {all: []})
  personalised(template: "Hello")
  createdAt updatedAt lastSeenAt version mergedIds
}
"""
"""Every field of a person."""

USER: Final = "query($by: UserBy!) { user(by: $by) { ...Whole } }" + WHOLE

COUNT: Final = "{ userCount }"

CATALOG: Final = """
{ catalog { properties { name kinds } events { name properties { name kinds } } } }
"""

UPDATE: Final = (
    """
mutation(
  $user: UserBy!, $changes: UserChanges!, $createIfMissing: Boolean! = false,
  $expectedVersion: Int, $idempotencyKey: ID
) {
  userUpdate(
    user: $user, changes: $changes, createIfMissing: $createIfMissing,
    expectedVersion: $expectedVersion, idempotencyKey: $idempotencyKey
  ) {
    __typename
    ... on UserUpdatePayload { user { ...Whole } }
    ... on Error { message }
    ... on VersionConflictError { currentVersion }
    ... on InvalidInputError { path }
    ... on LimitExceededError { path limit }
  }
}
"""
    + WHOLE
)

IDENTIFY: Final = (
    """
mutation($identities: [IdentityInput!]!, $changes: UserChanges) {
  userIdentify(identities: $identities, changes: $changes) {
    __typename
    ... on UserIdentifyPayload { outcome user { ...Whole } }
    ... on Error { message }
    ... on IdentityTakenError { kind value userId }
    ... on InvalidInputError { path }
    ... on LimitExceededError { path limit }
  }
}
"""
    + WHOLE
)

RECORD: Final = (
    """
mutation($user: UserBy!, $events: [EventInput!]!, $createIfMissing: Boolean! = false) {
  userRecordEvents(user: $user, events: $events, createIfMissing: $createIfMissing) {
    __typename
    ... on UserRecordEventsPayload { recorded duplicates user { ...Whole } }
    ... on Error { message }
    ... on InvalidInputError { path }
    ... on LimitExceededError { path limit }
  }
}
"""
    + WHOLE
)

LINK: Final = (
    """
mutation($user: UserBy!, $identity: IdentityInput!) {
  userLinkIdentity(user: $user, identity: $identity) {
    __typename
    ... on UserLinkIdentityPayload { user { ...Whole } }
    ... on Error { message }
    ... on IdentityTakenError { kind value userId }
    ... on InvalidInputError { path }
    ... on LimitExceededError { path limit }
  }
}
"""
    + WHOLE
)

UNLINK: Final = (
    """
mutation($user: UserBy!, $identity: IdentityInput!) {
  userUnlinkIdentity(user: $user, identity: $identity) {
    __typename
    ... on UserUnlinkIdentityPayload { user { ...Whole } }
    ... on Error { message }
    ... on InvalidInputError { path }
  }
}
"""
    + WHOLE
)

REGISTER: Final = (
    """
mutation($user: UserBy!, $device: DeviceInput!) {
  deviceRegister(user: $user, device: $device) {
    __typename
    ... on DeviceRegisterPayload {
      user { ...Whole }
      device { id platform model osVersion appVersion push pushEnabled lastSeenAt }
    }
    ... on Error { message }
    ... on IdentityTakenError { kind value userId }
    ... on InvalidInputError { path }
    ... on LimitExceededError { path limit }
  }
}
"""
    + WHOLE
)

USERS: Final = """
query($orderBy: UserOrder! = NEWEST, $first: Int! = 20, $after: Cursor) {
  users(orderBy: $orderBy, first: $first, after: $after) {
    edges { cursor node { name } }
    nodes { name }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    totalCount
  }
}
"""


async def known(api: Api, by: dict[str, str] = ADA, **changes: Any) -> Any:
    """Return the person, known by now and changed so."""
    answer = await api(UPDATE, user=by, changes=changes, createIfMissing=True)
    assert answer["__typename"] == "UserUpdatePayload", answer
    return answer["user"]


async def fault(api: Api, document: str, **variables: Any) -> Any:
    """Return what an answer says is wrong, its wording aside."""
    answer = await api(document, **variables)
    assert answer.pop("message").endswith(".")
    return answer


async def error(api: Api, document: str, **variables: Any) -> Any:
    """Return the one GraphQL error of an answer."""
    answer = await api.raw(document, **variables)
    (only,) = answer["errors"]
    return only


def invalid(*path: str) -> dict[str, Any]:
    """Return the fault of an input at `path`."""
    return {"__typename": "InvalidInputError", "path": list(path)}


def exceeded(limit: int, *path: str) -> dict[str, Any]:
    """Return the fault of passing `limit` at `path`."""
    return {"__typename": "LimitExceededError", "path": list(path), "limit": limit}
