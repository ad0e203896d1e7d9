"""Segments: saved, edited, listed, deleted, and who belongs to them."""

from datetime import timedelta

from tests.builders import NOON
from tests.schema.documents import ADA, error, invalid, known

FIELDS = (
    "id name description criteria count createdAt updatedAt users { nodes { name } totalCount }"
)
SAVE = """
mutation($id: ID, $name: String! = "S", $description: String, $criteria: Criteria!) {
  segmentSave(id: $id, name: $name, description: $description, criteria: $criteria) {
    __typename
    ... on SegmentSavePayload { segment { FIELDS } }
    ... on Error { message }
    ... on SegmentNotFoundError { id }
    ... on InvalidInputError { path }
    ... on LimitExceededError { path limit }
  }
}
""".replace("FIELDS", FIELDS)
DELETE = """
mutation($id: ID!) {
  segmentDelete(id: $id) {
    __typename
    ... on SegmentDeletePayload { deletedId }
    ... on Error { message }
    ... on SegmentNotFoundError { id }
    ... on InvalidInputError { path }
  }
}
"""
LIST = "{ segments { name } }"
ONE = "query($id: ID!) { segment(id: $id) { " + FIELDS + " } }"
ADULTS = {"age": {"min": 18}}
EVERY_SHAPE = {
    "all": [
        {"any": [{"not": {"gender": ["FEMALE"]}}, {"type": ["CUSTOMER", "ANONYMOUS"]}]},
        {"property": {"name": "p", "is": {"in": [1, True, "x", ["a"], {"date": "2026-01-31"}]}}},
        {"property": {"name": "p", "is": {"between": [1.5, 2]}}},
        {"property": {"name": "p", "is": {"within": {"on": "2026-01-31"}}}},
        {"identity": {"kind": "EMAIL", "value": "Ada@Example.org"}},
        {"location": {"country": ["CH"], "near": {"latitude": 1.5, "longitude": 2.5,
                                                  "radiusMetres": 3.5}}},
        {"didNot": {"name": "V", "sum": {"property": "n", "min": 1.5},
                    "during": {"between": {"from": "2026-01-01", "to": "2026-01-31"}},
                    "where": [{"name": "a", "is": {"exists": False}}]}},
        {"did": {"name": "V", "count": {"min": 1, "max": 2}, "during": {"last": "PT24H"}}},
        {"createdAt": {"before": "2026-01-31T12:00:00.000Z"}},
        {"reachableBy": "EMAIL"}, {"language": ["de"]}, {"lastSeenAt": {"lastDays": 0}},
    ]
}  # fmt: skip


async def save(api, criteria, **more):
    answer = await api(SAVE, criteria=criteria, **more)
    assert answer["__typename"] == "SegmentSavePayload", answer
    return answer["segment"]


async def refused(api, document, **variables):
    answer = await api(document, **variables)
    answer.pop("message")
    return answer


async def test_a_segment_knows_who_belongs_to_it(api, ada):
    await known(api, {"custom": "kid"}, name="Kid", birthday="2020-01-01")

    segment = await save(api, ADULTS, name=" Adults ", description="18 and more")

    at_noon = "2026-01-31T12:00:00.000Z"
    assert segment.pop("id")
    assert segment == {
        "name": "Adults", "description": "18 and more", "criteria": ADULTS, "count": 1,
        "createdAt": at_noon, "updatedAt": at_noon,
        "users": {"nodes": [{"name": "Ada"}], "totalCount": 1},
    }  # fmt: skip


async def test_an_edit_replaces_name_description_and_criteria(api, clock):
    before = await save(api, ADULTS, description="Old")
    clock.now += timedelta(days=1)

    after = await save(api, {"any": []}, id=before["id"], name="Nobody")

    assert after == before | {
        "name": "Nobody",
        "description": None,
        "criteria": {"any": []},
        "updatedAt": "2026-02-01T12:00:00.000Z",
    }
    assert await api(ONE, id=before["id"]) == after


async def test_criteria_come_back_unchanged_and_can_be_saved_again(api, clock):
    first = await save(api, EVERY_SHAPE)
    again = await save(api, first["criteria"], id=first["id"])

    assert first["criteria"] == EVERY_SHAPE
    assert again == first


async def test_segments_are_listed_oldest_first(api, clock):
    for name in "bca":
        clock.now += timedelta(seconds=1)
        await save(api, ADULTS, name=name)

    assert await api(LIST) == [{"name": name} for name in "bca"]


async def test_what_others_use_stays_and_they_are_named(api):
    used = await save(api, ADULTS)
    user = await save(api, {"not": {"segment": used["id"]}}, name="Children")

    answer = await api(DELETE, id=used["id"])

    assert "'Children'" in answer.pop("message")
    assert answer == invalid("id")
    for segment in (user, used):
        deleted = {"__typename": "SegmentDeletePayload", "deletedId": segment["id"]}
        assert await api(DELETE, id=segment["id"]) == deleted
    assert await api(LIST) == []
    assert await api(ONE, id=used["id"]) is None


async def test_an_unknown_segment_is_not_found(api):
    unknown = {"__typename": "SegmentNotFoundError", "id": "x"}

    assert await refused(api, SAVE, id="x", criteria=ADULTS) == unknown
    assert await refused(api, DELETE, id="x") == unknown


async def test_faults_name_their_place(api):
    one = await save(api, ADULTS)

    unknown = await refused(api, SAVE, criteria={"all": [{"segment": "x"}]})
    itself = await refused(api, SAVE, id=one["id"], criteria={"segment": one["id"]})
    nameless = await refused(api, SAVE, name=" ", criteria=ADULTS)

    assert unknown == invalid("criteria", "all", "0", "segment")
    assert itself == invalid("criteria", "segment")
    assert nameless == invalid("name")


async def test_a_person_lists_their_segments_of_now(api, ada, clock):
    await save(api, ADULTS, name="Adults")
    await save(api, {"not": ADULTS}, name="Children")
    await save(api, {"did": {"name": "charged", "during": {"lastDays": 0}}}, name="Today")
    asked = "query($by: UserBy!) { user(by: $by) { segments { name } } }"

    today = await api(asked, by=ADA)
    clock.now = NOON + timedelta(days=1)
    tomorrow = await api(asked, by=ADA)

    assert today == {"segments": [{"name": "Adults"}, {"name": "Today"}]}
    assert tomorrow == {"segments": [{"name": "Adults"}]}


async def test_a_question_can_name_a_segment(api, ada):
    one = await save(api, ADULTS)
    count = "query($c: Criteria!) { userCount(where: $c) }"

    assert await api(count, c={"segment": one["id"]}) == 1
    assert await api(count, c={"not": {"segment": one["id"]}}) == 0
    fault = await error(api, count, c={"segment": "x"})
    assert fault["extensions"]["code"] == "INVALID_INPUT"
