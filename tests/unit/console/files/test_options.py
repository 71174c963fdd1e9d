"""Options of the command line, a mapping file and a ready mapping are one `FileSpec`; the nearer ones count more."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.files.options import file_spec
from profiles.errors import WrongUse


def test_the_nearer_options_count_more(tmp_path: Path) -> None:
    """Command line over mapping file over ready mapping, field by field."""
    mapping = tmp_path / "m.yaml"
    mapping.write_text("event: Ordered\ntimezone: Europe/Berlin\nmap: {user_id: Id}\nkey: order_id\n")

    spec = file_spec(mapping=mapping, from_="shopify", event="Bought", map_=["properties.note=Notes"])

    assert (spec.source, spec.event, spec.timezone, spec.key) == ("purchase", "Bought", "Europe/Berlin", ("order_id",))
    assert {"user_id", "properties.order_id", "properties.note"} < spec.map.keys()
    assert spec.items is not None


def test_cells_on_the_command_line() -> None:
    """What they mean, and their parts."""
    spec = file_spec(
        translate=["properties.priority: Normal=medium, High = urgent", "status: *="],
        split=["Name: =First, Last", "Place: / =Country,City"],
    )

    assert spec.translate == {"properties.priority": {"Normal": "medium", "High": "urgent"}, "status": {"*": ""}}
    assert {name: (split.by, split.into) for name, split in spec.split.items()} == {
        "Name": (" ", ("First", "Last")),
        "Place": ("/ ", ("Country", "City")),
    }


@pytest.mark.parametrize("text", ["status", "status: Normal", ": a=b", "status: =x"])
def test_a_translation_that_cannot_be_read(text: str) -> None:
    """Says how one is written."""
    with pytest.raises(WrongUse, match="write such as"):
        file_spec(translate=[text])


@pytest.mark.parametrize("text", ["Name", "Name: ", "Name: =", ": =A"])
def test_a_split_that_cannot_be_read(text: str) -> None:
    """The same."""
    with pytest.raises(WrongUse, match="write such as"):
        file_spec(split=[text])
