"""Rows that belong together are one event, one row may be several, and a cell means what the mapping says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from console.files.ids import Ids
from console.files.mapping.table_mapping import BadRow, LeftOut, TableMapping
from console.files.rows import FileSpec, Item, read_items
from console.files.shaping import Shaper
from profiles.errors import WrongUse

COLUMNS = ["order", "who", "when", "status", "item", "back"]
MAPPING: dict[str, Any] = {
    "event": "Order Completed",
    "map": {
        "user_id": {"column": "who"},
        "timestamp": {"column": "when"},
        "properties.order_id": {"column": "order"},
        "properties.state": {"column": "status"},
    },
}
BACK = {
    "when": "back",
    "event": "Order Refunded",
    "map": {
        "user_id": {"column": "who"},
        "timestamp": {"column": "when"},
        "properties.total": {"column": "back", "type": "number"},
    },
}
ITEMS = {"of": "order", "map": {"name": {"column": "item"}}}


def shaper(**changes: Any) -> Shaper:
    """Of a table of orders."""
    return Shaper(TableMapping.model_validate(MAPPING | changes), COLUMNS)


def started(*columns: str) -> Shaper:
    """Of a table whose column of times is called `Started (*)`."""
    times = {
        "timestamp": {"column": "Started (*)"},
        "traits.closed": {"column": "Closed (*) | Ended (*)?", "type": "time"},
    }
    also = {"when": "Closed (*) | Ended (*)?", "event": "Closed", "map": MAPPING["map"] | times}
    id_of = {"message_id": {"value": "{order}-{Closed (*)}"}}
    mapping = MAPPING | {"map": MAPPING["map"] | times, "set": id_of, "also": [also]}
    return Shaper(TableMapping.model_validate(mapping), ["order", "who", "status", *columns])


@pytest.mark.parametrize(
    ("zone", "read"),
    [
        ("UTC", "2026-07-01T10:00:00Z"),
        ("Europe/Berlin", "2026-07-01T08:00:00Z"),
        ("America/New_York", "2026-07-01T14:00:00Z"),
    ],
)
@pytest.mark.parametrize("closed", ["Closed", "Ended"])
def test_a_time_is_read_in_the_zone_that_its_column_names(zone: str, read: str, closed: str) -> None:
    """As services write it, by the settings of who exports."""
    row = ["1", "a", "", "2026-07-01 10:00:00", "2026-07-02 10:00:00"]

    event, other = started(f"Started ({zone})", f"{closed} (Asia/Tokyo)").events([row], 2)

    assert event["timestamp"] == other["timestamp"] == read
    assert event["traits"]["closed"] == "2026-07-02T01:00:00Z"
    assert event["messageId"] == ("1-2026-07-02 10:00:00" if closed == "Closed" else "1-")


def test_a_column_that_need_not_be_there_names_no_zone() -> None:
    """Nor does it make a further event."""
    (event,) = started("Started (UTC)").events([["1", "a", "", "2026-07-01 10:00:00"]], 2)

    assert (event["messageId"], event.get("traits")) == ("1-", None)


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        (["Started"], r"no column 'Started \(\*\)'"),
        (["Started (UTC)", "Started (Asia/Tokyo)"], r"no column 'Started \(\*\)'"),
        (["Started (seconds)"], "no time zone 'seconds'"),
    ],
)
def test_a_column_in_doubt_is_told(columns: list[str], why: str) -> None:
    """One of several is not taken by chance, nor what is no zone for UTC."""
    with pytest.raises(WrongUse, match=why):
        started(*columns)


@pytest.mark.parametrize(
    ("meanings", "expected"),
    [
        ({"Normal": "medium"}, "medium"),
        ({"normal": "medium", "*": "other"}, "medium"),
        ({"High": "urgent", "*": "other"}, "other"),
        ({"High": "urgent", "*": ""}, None),
        ({"High": "urgent"}, "Normal"),
    ],
)
@pytest.mark.parametrize("name", ["properties.state", "status"])
def test_a_cell_is_translated(name: str, meanings: dict[str, str], expected: str | None) -> None:
    """By its field or its column, in upper or lower case."""
    (event,) = shaper(translate={name: meanings}).events([["1", "a", "2026-01-01", "Normal", "", ""]], 2)

    assert event["properties"].get("state") == expected


@pytest.mark.parametrize(
    ("cell", "first", "last"), [("Ada Maria Moss", "Ada", "Maria Moss"), ("Ada", "Ada", None), ("", None, None)]
)
def test_a_cell_is_split(cell: str, first: str | None, last: str | None) -> None:
    """Into columns that fields and templates may name; the last has the rest."""
    parts = {"traits.first": {"column": "First"}, "traits.last": {"column": "Last"}}
    split = shaper(split={"status": {"by": " ", "into": ["First", "Last"]}}, map=MAPPING["map"] | parts)

    (event,) = split.events([["1", "a", "2026-01-01", cell, "", ""]], 2)

    traits = event.get("traits", {})
    assert (traits.get("first"), traits.get("last")) == (first, last)


def test_a_row_may_be_several_events() -> None:
    """Where a column holds something, and not 0."""
    both = shaper(also=[BACK])

    assert len(both.events([["1", "a", "2026-01-01", "", "", "0.00"]], 2)) == 1
    order, refund = both.events([["1", "a", "2026-01-01", "", "", "5.50"]], 2)
    assert (order["event"], refund["event"], refund["properties"]) == (
        "Order Completed",
        "Order Refunded",
        {"total": 5.5},
    )


@pytest.mark.parametrize("dash", ["-", "–", "—", " - "])
def test_a_dash_is_nothing(dash: str) -> None:
    """As help desks write where there is no time."""
    assert len(shaper(also=[BACK]).events([["1", "a", "2026-01-01", "", "", dash]], 2)) == 1


@pytest.mark.parametrize(("when", "said"), [("never", "'never' is no time"), ("1970-01-01", "stands for no time")])
def test_a_further_event_that_is_bad_takes_nothing_from_the_first(tmp_path: Path, when: str, said: str) -> None:
    """The row is set aside for it; sent again when it is mended, its first event is a repeat."""
    solved = {"when": "status", "event": "Order Solved", "map": {"user_id": {"column": "who"}}}
    solved["map"]["timestamp"] = {"column": "status"}

    fine, bad, last = read(tmp_path / "t.csv", f"1,a,2026-01-01,{when},,\n2,a,2026-01-01,,,\n", also=[solved])

    assert (fine.problem, last.problem) == ("", "")
    assert bad.problem.startswith("Order Solved: timestamp: ")
    assert said in bad.problem
    assert bad.raw == f"1,a,2026-01-01,{when},,"


def test_cells_that_are_over_or_missing() -> None:
    """Empty ones behind the last column, and those of columns without a name: a spreadsheet writes them as it likes."""
    plain = Shaper(TableMapping.model_validate(MAPPING), [*COLUMNS, "", ""])
    row = ["1", "a", "2026-01-01", "", "", "x"]

    expected = plain.events([[*row, "", ""]], 2)
    for more in ([], [""], ["", "", "", " "]):
        assert plain.events([[*row, *more]], 2) == expected
    for cells in (row[:-1], [*row, "", "", "y"]):
        with pytest.raises(BadRow, match="cells where 8 columns"):
            plain.events([cells], 2)


def test_a_row_may_be_none() -> None:
    """As the mapping says; that is told apart from a bad row."""
    left = shaper(leave_out={"status": ["Pending"]})

    with pytest.raises(LeftOut, match="status is pending"):
        left.events([["1", "a", "2026-01-01", "pending", "", ""]], 2)
    with pytest.raises(BadRow, match="5 cells where 6"):
        left.events([["1", "a", "2026-01-01", "paid", ""]], 2)


@pytest.mark.parametrize("name", ["properties.state", "status | stat", "status"])
def test_what_is_translated_may_have_several_names(name: str) -> None:
    """Of a column that is called in one way or another, each."""
    state = {"properties.state": {"column": "status | stat"}}
    named = shaper(map=MAPPING["map"] | state, translate={name: {"open": "waiting"}})

    assert named.events([["1", "a", "2026-01-01", "Open", "", ""]], 2)[0]["properties"]["state"] == "waiting"


@pytest.mark.parametrize("name", ["stats", "properties.stat", "item"])
def test_what_nothing_is_made_of_is_not_translated(name: str) -> None:
    """A column that is not there, or that no field is of: it would say nothing, and change nothing."""
    with pytest.raises(WrongUse, match=f"translate: '{name}' is neither a field"):
        shaper(translate={name: {"open": "waiting"}})


@pytest.mark.parametrize(
    "changes",
    [
        {"split": {"nme": {"by": " ", "into": ["A"]}}},
        {"leave_out": {"nme": ["x"]}},
        {"items": {"of": "nme"}},
        {"also": [BACK | {"when": "nme"}]},
        {"map": MAPPING["map"] | {"traits.x": {"column": "nme | nam"}}},
    ],
)
def test_a_column_that_is_not_there_is_refused(changes: dict[str, Any]) -> None:
    """Before the first row; one that need not be there says so by a question mark."""
    with pytest.raises(WrongUse, match="there is no column"):
        shaper(**changes)
    shaper(leave_out={"nme?": ["x"]}, also=[BACK | {"when": "nme?"}])
    shaper(map=MAPPING["map"] | {"traits.x": {"column": "nme?"}, "traits.y": {"column": "nme | item"}})


def read(path: Path, rows: str, **changes: Any) -> list[Item]:
    path.write_text(",".join(COLUMNS) + "\n" + rows)
    return list(read_items(path, FileSpec.model_validate(MAPPING | {"source": "purchase"} | changes), Ids()))


def test_rows_that_belong_together_are_one_event(tmp_path: Path) -> None:
    """By the same cell, or an empty one behind it; of each column the first that says something."""
    items = read(
        tmp_path / "t.csv",
        "1,,2026-01-01,,Mask,\n1,a,,paid,Cream,\n,,,,Soap,\n2,b,2026-01-02,paid,Mask,\n",
        items=ITEMS,
    )

    first, second = (orjson.loads(item.event) for item in items)
    assert [item.line for item in items] == [4, 5]
    assert (first["userId"], first["properties"]["state"]) == ("a", "paid")
    assert [item["name"] for item in first["properties"]["products"]] == ["Mask", "Cream", "Soap"]
    assert [item["name"] for item in second["properties"]["products"]] == ["Mask"]


def test_rows_that_stand_apart_are_told(tmp_path: Path) -> None:
    """They would be two reports of one order, each with a part of it; a bad row keeps all of its lines."""
    rows = "1,a,2026-01-01,,Mask,\n2,b,never,,Mask,\n2,,,,Cream,\n1,a,2026-01-01,,Soap,\n"

    fine, bad, apart = read(tmp_path / "t.csv", rows, items=ITEMS)

    assert not fine.problem
    assert bad.raw == "2,b,never,,Mask,\n2,,,,Cream,"
    assert apart.problem == "rows of 1 stand apart: sort the file, so that they are together"


def test_reading_goes_on_between_the_events_of_a_row(tmp_path: Path) -> None:
    """Each event has a number of its own."""
    rows = "1,a,2026-01-01,,,1\n2,b,2026-01-01,,,2\n"
    spec = FileSpec.model_validate(MAPPING | {"source": "purchase", "also": [BACK]})
    whole = read(tmp_path / "t.csv", rows, also=[BACK])

    assert [item.row for item in whole] == [1, 2, 3, 4]
    for after in range(5):
        assert list(read_items(tmp_path / "t.csv", spec, Ids(), after=after)) == whole[after:]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("1,a,2026-01-01,,Mask,5\n,b,2026-01-01,,Hat,\n,c,2026-01-01,,Shoe,\n", "who is 'a' in one and 'b' in another"),
        ("1,a,2026-01-01,,Mask,\n1,,2026-01-02,,Hat,\n", "when is '2026-01-01' in one and '2026-01-02' in another"),
        ("1,a,2026-01-01,,Mask,10\n1,a,2026-01-01,,Hat,20\n", "back is '10' in one and '20' in another"),
    ],
)
def test_rows_of_one_event_must_not_contradict_each_other(tmp_path: Path, rows: str, said: str) -> None:
    """Else the first of what they say would count, and the rest be lost without a word."""
    (bad,) = read(tmp_path / "t.csv", rows, items=ITEMS, also=[BACK])

    assert said in bad.problem
    assert bad.raw == rows.rstrip()


def test_rows_of_one_event_may_say_the_same_in_other_words(tmp_path: Path) -> None:
    """An amount with and without cents, an address in capitals; and of what is of an item each says its own."""
    rows = "1,a@x.org,2026-01-01,paid,Mask,10\n1,A@x.org,2026-01-01,sent,Hat,10.00\n"

    order, refund = read(tmp_path / "t.csv", rows, items=ITEMS, also=[BACK])

    assert not order.problem
    assert orjson.loads(refund.event)["properties"]["total"] == 10


def test_rows_without_the_number_of_an_event_stand_alone(tmp_path: Path) -> None:
    """Where no event with a number stands before them."""
    items = read(tmp_path / "t.csv", ",a,2026-01-01,,Mask,\n,b,2026-01-02,,Hat,\n1,c,2026-01-03,,Shoe,\n", items=ITEMS)

    assert [orjson.loads(item.event)["userId"] for item in items] == ["a", "b", "c"]


@pytest.mark.parametrize(
    "order",
    [
        '1,a,2026-01-01,"paid" x,Mask,\n1,a,2026-01-01,,Hat,\n',
        '1,a,2026-01-01,"paid" x,Mask,\n,a,2026-01-01,,Hat,\n,a,2026-01-01,,Shoe,\n',
        '1,a,2026-01-01,,Mask,\n1,a,2026-01-01,"paid" x,Hat,\n1,a,2026-01-01,,Shoe,\n',
        "1,a,2026-01-01,,Mask,\n1,a\n1,a,2026-01-01,,Shoe,\n",
        "1,a,2026-01-01,,Mask,\n" + "x" * (1 << 20) + "y\n1,a,2026-01-01,,Shoe,\n",
    ],
)
def test_an_event_of_which_a_row_cannot_be_read_is_none(tmp_path: Path, order: str) -> None:
    """Else the rows behind the bad one would be an event with a part of it. The events around it are not touched."""
    items = read(tmp_path / "t.csv", f"0,z,2026-01-01,,Mask,\n{order}2,b,2026-01-02,,Hat,\n", items=ITEMS)

    first, bad, last = items
    assert (bool(first.problem), bool(bad.problem), bool(last.problem)) == (False, True, False)
    assert bad.raw.count("\n") == order.count("\n") - 1
    assert orjson.loads(last.event)["properties"]["products"] == [{"name": "Hat"}]


@pytest.mark.parametrize("name", ["1", ""])
def test_rows_of_an_event_in_a_quote_that_closes_too_late(tmp_path: Path, name: str) -> None:
    """They are no events by themselves, but rows of this one."""
    rows = f'1,a,2026-01-01,paid,"Shirt,1\n{name},,,,Hat,\n{name},,,,Shoe",\n2,b,2026-01-01,,"Hat,\nwith words",\n'

    bad, fine = read(tmp_path / "t.csv", rows, items=ITEMS)

    assert "a quote opened in line 2 holds what looks like rows" in bad.problem
    assert not fine.problem


NUMBERED = ["who", "a_0_id", "a_0_at", "a_10_id", "a_10_at", "a_x_id"]
EACH = {
    "event": "Order Completed",
    "each": "a_#_id",
    "map": {
        "user_id": {"column": "who"},
        "timestamp": {"column": "a_#_at"},
        "properties.order_id": {"column": "a_#_id"},
    },
}


def test_each_of_several_columns_is_an_event_of_its_own() -> None:
    """Those that hold something; a bad one takes nothing from the first, and a row without any is none."""
    rows = Shaper(TableMapping.model_validate(EACH), NUMBERED)
    failed: list[str] = []

    assert not rows.single
    both = rows.events([["7", "o1", "2026-01-01", "o2", "2026-01-02", "x"]], 1)
    assert [(event["properties"]["order_id"], event["timestamp"][:10]) for event in both] == [
        ("o1", "2026-01-01"), ("o2", "2026-01-02"),
    ]  # fmt: skip
    (second,) = rows.events([["7", "", "", "o2", "2026-01-02", ""]], 1)
    assert second["properties"]["order_id"] == "o2"
    assert len(rows.events([["7", "o1", "2026-01-01", "o2", "?", ""]], 1, failed)) == 1
    assert failed[0].startswith("a_10_id: timestamp")
    with pytest.raises(LeftOut, match="no column such as a_0_id holds anything"):
        rows.events([["7", "", "2026-01-01", " ", "", "x"]], 1)


@pytest.mark.parametrize(
    ("changes", "columns", "words"),
    [
        ({}, ["who", "a_id"], "no column like 'a_#_id'"),
        ({}, ["who", "a_0_id"], "no column 'a_0_at'"),
        ({"items": ITEMS}, NUMBERED, "each and items do not go together"),
    ],
)
def test_a_table_without_such_columns_is_refused(changes: dict[str, Any], columns: list[str], words: str) -> None:
    with pytest.raises(WrongUse, match=words):
        Shaper(TableMapping.model_validate(EACH | changes), columns)
