"""What tests of identity resolution send, and how they read back all that a service holds."""

from typing import Any, Final

from tests.api import Api
from tests.schema.documents import CATALOG, RECORD, REGISTER, WHOLE

EMAIL: Final = {"email": "ada@example.org"}
MAX: Final = {"custom": "max"}
DEVICE: Final = {"device": "d1"}
PUSH: Final = {"service": "FCM", "token": "t1"}

LOGIN: Final = (
    """
mutation($identities: [IdentityInput!]!, $device: String, $changes: UserChanges) {
  userIdentify(identities: $identities, device: $device, changes: $changes) {
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

MERGE: Final = (
    """
mutation($from: UserBy!, $into: UserBy!, $dryRun: Boolean! = false) {
  userMerge(from: $from, into: $into, dryRun: $dryRun) {
    __typename
    ... on UserMergePayload { absorbedId user { ...Whole } }
    ... on Error { message }
    ... on InvalidInputError { path }
    ... on LimitExceededError { path limit }
  }
}
"""
    + WHOLE
)

DELETE: Final = """
mutation($user: UserBy!) {
  userDelete(user: $user) {
    __typename
    ... on UserDeletePayload { deletedId }
    ... on Error { message }
    ... on InvalidInputError { path }
  }
}
"""

LOG_OUT: Final = """
mutation($device: String!) {
  deviceLogOut(device: $device) {
    __typename
    ... on DeviceLogOutPayload { deviceId }
    ... on Error { message }
    ... on DeviceNotFoundError { id }
    ... on InvalidInputError { path }
  }
}
"""

EVENTS: Final = """
query(
  $by: UserBy!, $name: String, $since: DateTime, $until: DateTime, $first: Int!, $after: Cursor
) {
  user(by: $by) {
    events(name: $name, since: $since, until: $until, first: $first, after: $after) {
      nodes { id name at properties }
      pageInfo { hasNextPage endCursor }
    }
  }
}
"""

EVERYONE: Final = "{ users(orderBy: OLDEST, first: 100) { totalCount nodes { ...Whole } } }" + WHOLE


async def everything(api: Api) -> Any:
    """Return all that can be read."""
    return await api(EVERYONE), await api(CATALOG)


async def login(api: Api, *identities: dict[str, str], **arguments: Any) -> Any:
    """Return the person and the outcome of a login that is not refused."""
    answer = await api(LOGIN, identities=list(identities), **arguments)
    assert answer["__typename"] == "UserIdentifyPayload", answer
    return answer


async def merge(api: Api, from_: dict[str, str], into: dict[str, str], **arguments: Any) -> Any:
    """Return the survivor and the absorbed id of a merge that is not refused."""
    answer = await api(MERGE, **{"from": from_, "into": into}, **arguments)
    assert answer["__typename"] == "UserMergePayload", answer
    return answer


async def delete(api: Api, by: dict[str, str]) -> Any:
    """Return the id of who is deleted."""
    answer = await api(DELETE, user=by)
    assert answer["__typename"] == "UserDeletePayload", answer
    return answer["deletedId"]


async def register(
    api: Api, id: str = "d1", user: dict[str, str] | None = None, **details: Any
) -> Any:
    """Return whose the device is after it registered; itself makes an anonymous person."""
    device = {"id": id, "platform": "IOS"} | details
    answer = await api(REGISTER, user=user or {"device": id}, device=device)
    assert answer["__typename"] == "DeviceRegisterPayload", answer
    return answer["user"]


async def record(api: Api, by: dict[str, str], *events: dict[str, Any]) -> Any:
    """Return the answer to recording events of a person, who may be new."""
    answer = await api(RECORD, user=by, events=list(events), createIfMissing=True)
    assert answer["__typename"] == "UserRecordEventsPayload", answer
    return answer


async def whole_log(api: Api, by: dict[str, str], first: int = 7, **question: Any) -> list[Any]:
    """Return the events that answer the question, page by page."""
    events, after, more = [], None, True
    while more:
        page = (await api(EVENTS, by=by, first=first, after=after, **question))["events"]
        after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
        events += page["nodes"]
    return events


def names(user: dict[str, Any]) -> list[str]:
    """Return the identities of a person as `KIND:value`."""
    return [f"{identity['kind']}:{identity['value']}" for identity in user["identities"]]


def totals(user: dict[str, Any]) -> dict[str, int]:
    """Return how often a person did what."""
    return {total["name"]: total["count"] for total in user["activity"]}
