"""A mapping that is proposed reads the table that it is for, and says what it is not sure of."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from console.files.guess import guess
from console.files.ids import Ids
from console.files.mapping.table_mapping import load_mapping, validated
from console.files.rows import FileSpec, Item, read_items
from plan import load_plan
from profiles.errors import WrongUse
from tests import REPOSITORY

PLAN = load_plan(REPOSITORY / "tracking_plan.yaml")


def proposed(folder: Path, text: str) -> tuple[str, FileSpec, list[Item]]:
    """What is proposed for a table, and what it makes of its rows."""
    table, mapping = folder / "t.csv", folder / "m.yaml"
    table.write_text(text)
    said = guess(table, FileSpec(), PLAN)
    mapping.write_text(said)
    options = load_mapping(mapping)
    if isinstance(options.get("key"), str):
        options["key"] = [options["key"]]
    spec = validated(FileSpec, options, "proposed")
    return said, spec, list(read_items(table, spec, Ids(spec.key)))


@pytest.mark.parametrize(
    ("text", "expected", "notes"),
    [
        (
            "customer,date,amount,order\nov-1,2026-11-02,12.50,O-1\nov-2,2026-11-03,7.00,O-2\n",
            {"event": "Order Completed", "key": "order_id", "source": "purchase"},
            ["the currency is taken to be EUR"],
        ),
        (
            "Kunde;E-Mail;Date;Amount;Currency\n7;a@example.com;31.01.2026;1.234,50;eur\n8;b@example.com;01.02.2026;2,00;eur\n",
            {"delimiter": "semicolon", "decimal": "comma", "time_format": "%d.%m.%Y"},
            ["left: Kunde", "made of customer and time"],
        ),
        (
            "User ID\tCreated (UTC)\tTotal\n1\t02/03/2026\t1,000\n",
            {"delimiter": "tab", "decimal": "point", "time_format": "%d/%m/%Y"},
            ["may as well be %m/%d/%Y", "may as well have a decimal comma"],
        ),
        (
            "user;day;amount\n1;2026-03-01;1.234\n2;2026-03-02;12.500\n",
            {"decimal": "point"},
            ["may as well have a decimal comma"],
        ),
        ("Report, of March\n\nuser;day;amount\n1;2026-03-01;5\n2;2026-03-02;7,50\n", {"delimiter": "semicolon"}, []),
        ("user;day;amount\n1;2026-03-01;1.234\n2;2026-03-02;12,50\n", {"decimal": "comma"}, []),
        ("user,day,value\n1,44256.5,1\n2,44257,1\n", {"time_format": "excel"}, []),
        ("user,when it was,value\n1,1772443826,$1\n2,1772443826000,$2\n", {"event": "Order Completed"}, []),
        (
            "Address,First Name,Joined\na@example.com,Ada,2026-01-01\nb@example.com,,2026-01-02\n",
            {"type": "identify", "source": "support"},
            [],
        ),
    ],
)
def test_a_table_is_read_as_proposed(tmp_path: Path, text: str, expected: dict[str, str], notes: list[str]) -> None:
    """Without a bad row, but for what the currency of an amount contradicts."""
    said, spec, items = proposed(tmp_path, text)

    written = yaml.safe_load(said)
    assert {name: written.get(name) for name in expected} == expected
    assert [note for note in notes if note not in said] == []
    assert [item.problem for item in items if item.problem and "in $" not in item.problem] == []
    assert spec.map["timestamp"].column


def test_an_export_with_a_ready_mapping_is_known() -> None:
    """It is better than a guess."""
    export = Path(__file__).with_name("exports") / "shopify.csv"

    assert guess(export, FileSpec(), PLAN) == (
        "# The columns are those of an export that there is a ready mapping of: use --from shopify\n"
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,b\n1,x\n", "looks like who or when"),
        ("customer,x\n1,y\n", "looks like when"),
        ("", "is empty"),
        ("[{}]", "JSON"),
    ],
)
def test_where_nothing_can_be_proposed(tmp_path: Path, text: str, words: str) -> None:
    """It is said what is missing."""
    (tmp_path / "t.csv").write_text(text)

    with pytest.raises(WrongUse, match=words):
        guess(tmp_path / "t.csv", FileSpec(), PLAN)
