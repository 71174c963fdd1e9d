"""The id of a row is of what it says or of its key: the same in every file, and of no other row of one file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from console.files.ids import Ids, Twins
from console.files.rows import FileSpec, Item, read_items
from console.files.sorting import past_of
from streams.history.past import in_one_order

ORDER: dict[str, Any] = {
    "source": "purchase",
    "event": "Order Completed",
    "map": {"user_id": {"column": "who"}, "timestamp": {"column": "when"}, "properties.order_id": {"column": "order"}},
}
ROWS = ["a,2026-01-01,1", "b,2026-01-02,2", "a,2026-01-01,1", "c,2026-01-03,", "a,2026-01-01,1"]


def file(path: Path, rows: list[str]) -> Path:
    path.write_text("who,when,order\n" + "\n".join(rows))
    return path


def read(path: Path, ids: Ids, after: int = 0, **changes: Any) -> list[Item]:
    return list(read_items(path, FileSpec.model_validate(ORDER | changes), ids, after=after))


def test_a_row_has_one_id_in_every_file(tmp_path: Path) -> None:
    """Wherever it stands, with other columns, in another order of the mapping; each of several alike is one event."""
    first = read(file(tmp_path / "a.csv", ROWS), Ids())
    second = read(file(tmp_path / "b.csv", ["x,2026-01-01,9", *reversed(ROWS)]), Ids())
    wider = tmp_path / "c.csv"
    wider.write_text("note;order;when;who\n" + "\n".join(";".join(["n", *reversed(row.split(","))]) for row in ROWS))
    third = read(wider, Ids(), map=dict(reversed(ORDER["map"].items())))

    ids = [item.id for item in first]
    assert len(set(ids)) == len(ROWS)
    assert {item.id for item in second[1:]} == set(ids)
    assert [item.id for item in third] == ids


def test_twins_that_are_known_beforehand_give_the_same_ids(tmp_path: Path) -> None:
    """At 8 bytes a row, and also when reading goes on in the middle."""
    path = file(tmp_path / "a.csv", ROWS)
    twins = Twins()
    for item in read(path, Ids(twins=())):
        twins.note(item.id)

    assert len(twins.found()) == 1
    assert read(path, Ids(twins=twins.found())) == read(path, Ids())
    assert read(path, Ids(twins=twins.found()), after=3) == read(path, Ids())[3:]


def test_a_load_of_history_gives_the_same_ids(tmp_path: Path) -> None:
    """So that a file which was loaded may be sent."""
    path = file(tmp_path / "a.csv", ROWS)
    loaded = in_one_order([sorted(past_of(item) for item in read_items(path, FileSpec.model_validate(ORDER)))])

    assert {past.key for past in loaded} == {item.id for item in read(path, Ids())}


@pytest.mark.parametrize("key", ["order_id", "properties.order_id"])
def test_a_key_names_a_row_whatever_else_it_says(tmp_path: Path, key: str) -> None:
    """Two rows of one file with one key, and a row without, are bad: nobody could say which of them counts."""
    first = read(file(tmp_path / "a.csv", ROWS), Ids([key]), key=[key])
    later = read(file(tmp_path / "b.csv", ["b,2026-01-02T10:00,2"]), Ids([key]), key=[key])

    assert [bool(item.problem) for item in first] == [False, False, True, True, True]
    assert "line 2 has the same" in first[2].problem
    assert first[3].problem == f"it has no properties.order_id, which --key {key} says is its key"
    assert later[0].id == first[1].id
    assert first[0].named


def test_a_key_counts_more_than_an_id_of_the_export(tmp_path: Path) -> None:
    """Which may be another each time."""
    path = tmp_path / "a.jsonl"
    path.write_text(
        "\n".join(
            f'{{"type":"track","event":"E","userId":"1","timestamp":"2026-01-01","messageId":"{name}",'
            f'"properties":{{"order_id":"{name}"}}}}'
            for name in "xy"
        )
    )

    own = list(read_items(path, FileSpec(source="web"), Ids()))
    by_key = list(read_items(path, FileSpec(source="web", key=("event", "order_id")), Ids(["event", "order_id"])))

    assert [item.id for item in own] == ["x", "y"]
    assert len({item.id for item in [*own, *by_key]}) == 4
