"""Criteria that were asked before are not read again, and never taken for others."""

from typing import Any

import pytest

from app.operations import segments
from app.plans import criteria
from app.store.sqlite import SqliteStore
from tests.api import Api
from tests.schema.documents import known

FIND = "query($where: Criteria!) { users(where: $where) { nodes { name } } }"


def having(value: Any) -> dict[str, Any]:
    return {"property": {"name": "p", "is": {"equals": value}}}


async def found(api: Api, where: dict[str, Any]) -> list[str]:
    answer = await api(FIND, where=where)
    return [node["name"] for node in answer["nodes"]]


async def test_the_same_criteria_are_converted_and_parsed_once(
    api: Api, monkeypatch: pytest.MonkeyPatch
):
    calls: list[str] = []
    for module, name in ((criteria, "convert_argument"), (segments, "parse_criteria")):
        function = getattr(module, name)

        def noted(*arguments: Any, function: Any = function, name: str = name) -> Any:
            calls.append(name)
            return function(*arguments)

        monkeypatch.setattr(module, name, noted)

    for _ in range(3):
        await found(api, having("asked three times"))

    assert sorted(calls) == ["convert_argument", "parse_criteria"]


async def test_values_that_look_alike_are_told_apart(api: Api):
    await known(api, name="one", properties={"set": {"p": 1}})
    for _ in range(2):
        assert await found(api, having("1")) == []
        assert await found(api, having(1)) == ["one"]
        assert await found(api, having(True)) == []
        assert await found(api, having(1.0)) == ["one"]


async def test_a_segment_means_what_it_means_now(api: Api):
    await known(api, name="one", properties={"set": {"p": 1}})
    save = """
    mutation($id: ID, $criteria: Criteria!) {
      segmentSave(id: $id, name: "S", criteria: $criteria) {
        ... on SegmentSavePayload { segment { id } }
      }
    }
    """
    id = (await api(save, criteria=having(1)))["segment"]["id"]
    assert await found(api, {"segment": id}) == ["one"]

    await api(save, id=id, criteria=having(2))

    assert await found(api, {"segment": id}) == []


async def test_no_segments_are_read_where_none_is_named(api: Api, monkeypatch: pytest.MonkeyPatch):
    await known(api, name="one", properties={"set": {"p": 1}})
    monkeypatch.delattr(SqliteStore, "segments")

    assert await found(api, having(1)) == ["one"]
