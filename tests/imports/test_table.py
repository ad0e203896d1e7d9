"""Tables: columns, guesses, rows."""

from collections.abc import Iterator
from typing import Any

import pytest

from app.commands.source import Line
from app.commands.table import Row, rows
from app.domain.errors import InvalidInput


def read(text: str, **mapping: Any) -> list[Row]:
    def lines() -> Iterator[Line]:
        return (Line(n, line) for n, line in enumerate(text.split("\n"), start=1))

    return list(rows(lines, mapping))


def records(text: str, **mapping: Any) -> list[Any]:
    found = read(text, **mapping)
    assert [row.fault for row in found] == [None] * len(found)
    return [row.record for row in found]


def test_columns_say_where_a_cell_goes():
    header = (
        "record id,custom,email identity,email,name,photoUrl,gender,location.city,"
        "location.latitude,location.longitude,channels.sms,properties.plan,properties.a.b,"
        "event,event.id,event.at,event.properties.total"
    )
    row = "r1,ada,a@x.org,b@x.org,Ada,http://x,female,Bern,47.5,8,false,pro,x,Bought,e1,2026-01-31T12:00:00Z,7"

    assert records(f"{header}\n{row}") == [
        {
            "id": "r1",
            "user": {"custom": "ada"},
            "identities": [{"email": "a@x.org"}],
            "changes": {
                "email": "b@x.org",
                "name": "Ada",
                "photoUrl": "http://x",
                "gender": "FEMALE",
                "location": {"city": "Bern", "latitude": 47.5, "longitude": 8.0},
                "channels": {"sms": False},
                "properties": {"set": {"plan": "pro", "a.b": "x"}},
            },
            "events": [
                {
                    "name": "Bought",
                    "id": "e1",
                    "at": "2026-01-31T12:00:00Z",
                    "properties": {"total": 7.0},
                }
            ],
        }
    ]


def test_an_empty_cell_says_nothing_and_the_first_name_given_is_the_user():
    assert records("custom,email identity,name\n,a@x.org,\nada,,Ada") == [
        {"user": {"email": "a@x.org"}},
        {"user": {"custom": "ada"}, "changes": {"name": "Ada"}},
    ]


def test_an_id_of_ours_is_the_user_wherever_it_stands():
    (record,) = records("custom,id\nada,01KG9C2D000000000000000000")

    assert record["user"] == {"id": "01KG9C2D000000000000000000"}
    assert record["identities"] == [{"custom": "ada"}]


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["1", "-2.5", "0"], [1.0, -2.5, 0.0]),
        (["1", "x"], ["1", "x"]),
        (["01", "2"], ["01", "2"]),
        (["+41", "5"], ["+41", "5"]),
        (["1e5"], ["1e5"]),
        (["1234567890123456"], ["1234567890123456"]),
        (["true", "FALSE"], [True, False]),
        (["true", "1"], ["true", "1"]),
        (["2026-01-31", "2026-02-01"], [{"date": "2026-01-31"}, {"date": "2026-02-01"}]),
        (["2026-01-31T12:00:00Z"], [{"dateTime": "2026-01-31T12:00:00Z"}]),
        (["2026-01-31T12:00:00"], ["2026-01-31T12:00:00"]),
        (["a|b"], ["a|b"]),
    ],
)
def test_all_cells_of_a_column_together_decide_what_they_are(cells, values):
    text = "custom,properties.p\n" + "\n".join(f"c{n},{cell}" for n, cell in enumerate(cells))

    assert [r["changes"]["properties"]["set"]["p"] for r in records(text)] == values


@pytest.mark.parametrize(
    ("kind", "cell", "value"),
    [
        ("text", "5", "5"),
        ("number", "1e5", 100_000.0),
        ("boolean", "True", True),
        ("date", "2026-01-31", {"date": "2026-01-31"}),
        ("dateTime", "2026-01-31T12:00:00Z", {"dateTime": "2026-01-31T12:00:00Z"}),
        ("textList", "a|b", ["a", "b"]),
    ],
)
def test_a_column_can_say_what_its_values_are(kind, cell, value):
    (record,) = records(f"custom,properties.p:{kind}\nada,{cell}")

    assert record["changes"]["properties"]["set"] == {"p": value}


def test_a_mapping_says_what_other_names_mean_and_what_to_leave_out():
    mapping = {"Customer": "custom", "Postcode": "properties.zip:text", "Notes": None}

    assert records("Customer,Postcode,Notes\nada,8001,x", **mapping) == [
        {"user": {"custom": "ada"}, "changes": {"properties": {"set": {"zip": "8001"}}}}
    ]


@pytest.mark.parametrize(
    "header",
    [
        "custom,plan",
        "name",
        "custom,custom",
        "custom,device,device identity,name,name",
        "properties.",
    ],
)
def test_a_header_that_cannot_be_used_is_refused(header):
    with pytest.raises(InvalidInput):
        read(f"{header}\nx,x")


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_header_tells_the_delimiter(delimiter):
    assert records(f"custom{delimiter}name\nada{delimiter}Ada") == [
        {"user": {"custom": "ada"}, "changes": {"name": "Ada"}}
    ]


def test_a_cell_may_have_quotes_and_lines():
    found = read('custom,name\n\n"a,d""a","A\nB"\neve,Eve\n')

    assert [(row.number, row.record) for row in found] == [
        (3, {"user": {"custom": 'a,d"a'}, "changes": {"name": "A\nB"}}),
        (5, {"user": {"custom": "eve"}, "changes": {"name": "Eve"}}),
    ]


def test_a_row_that_cannot_be_read_is_said_to_be_wrong_and_the_next_is_read():
    found = read('custom,name,channels.sms\nada\n,X,\n"a"b,c,\neve,,maybe\nbob,,\n"never ends')

    assert [row.number for row in found if row.fault] == [2, 3, 4, 5, 7]
    assert [row.record for row in found if not row.fault] == [{"user": {"custom": "bob"}}]


def test_a_line_that_cannot_be_read_is_told_by_its_own_number():
    def lines() -> Iterator[Line]:
        yield Line(1, "custom,name")
        yield Line(2, "?", "This is not UTF-8.")
        yield Line(3, 'ada,"A')
        yield Line(4, "?", "This is not UTF-8.")
        yield Line(5, 'B"')
        yield Line(6, "eve,E")

    found = list(rows(lines, {}))

    assert [(row.number, row.fault) for row in found] == [
        (2, "This is not UTF-8."),
        (3, "This is not UTF-8."),
        (6, None),
    ]


def test_an_empty_table_has_no_rows():
    assert read("") == []
