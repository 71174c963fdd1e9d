"""Rows of a table become events as the mapping says, or say what is wrong with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from console.files.mapping import BadRow, TableMapping, compile_row, iso_time, load_mapping, parse_target, validated
from profiles.errors import Misconfigured

COLUMNS = ["customer", "date", "items", "amount"]


def mapping(**changes: Any) -> TableMapping:
    """A mapping of an order table."""
    options: dict[str, Any] = {
        "event": "Order Completed",
        "time_format": "%Y%m%d",
        "map": {
            "user_id": {"column": "customer"},
            "timestamp": {"column": "date"},
            "properties.revenue": {"column": "amount", "type": "number"},
        },
        "set": {"properties.currency": {"value": "USD"}},
    }
    return TableMapping.model_validate({**options, **changes})


def test_a_row_becomes_an_event() -> None:
    """Columns, constants and types land where the mapping says, the date at midnight UTC."""
    event = compile_row(mapping(), COLUMNS)(["7", "19970101", "2", " 11.77 "], 3)

    assert event == {
        "type": "track",
        "event": "Order Completed",
        "userId": "7",
        "timestamp": "1997-01-01T00:00:00Z",
        "properties": {"revenue": 11.77, "currency": "USD"},
    }


def test_templates_fill_in_columns_and_the_line() -> None:
    """Braces that hold no column's name are JSON, not holes."""
    sets = {
        "properties.order_id": {"value": "{customer}-{line}"},
        "properties.products": {"value": '[{"product_id": "cd", "quantity": {items}}]', "type": "json"},
    }

    event = compile_row(mapping(set=sets), COLUMNS)(["7", "19970101", "2", "1"], 3)

    assert event["properties"]["order_id"] == "7-3"
    assert event["properties"]["products"] == [{"product_id": "cd", "quantity": 2}]


def test_an_empty_cell_is_left_out() -> None:
    """No value is not an empty value."""
    event = compile_row(mapping(set={}), COLUMNS)(["7", "19970101", "2", ""], 3)

    assert "properties" not in event


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        (["7", "19970101", "2"], "3 cells where 4 columns"),
        (["7", "", "2", "1"], "no timestamp"),
        (["7", "1997-01-01", "2", "1"], "timestamp: '1997-01-01' is no time"),
        (["7", "19970101", "2", "eleven"], r"properties.revenue: 'eleven' is no number \(there is no figure in it\)"),
        (["7", "19970101", "2", "1.234"], "does the point mark thousands or decimals[?] Say --decimal point or"),
        (
            ["7", "19970101", "2", "12,50"],
            r"'12,50' is no number \(with a decimal comma\? Then say --decimal comma, or ",
        ),
        (["7", "19970101", "2", "1,234"], "Say --decimal point or --decimal comma"),
        (["7", "19970101", "2", "€ 12"], "in €, and the currency of the event is USD"),
    ],
)
def test_a_bad_row_says_what_is_wrong(cells: list[str], words: str) -> None:
    """The message names the field and the value."""
    row = compile_row(mapping(), COLUMNS)

    with pytest.raises(BadRow, match=words):
        row(cells, 1)


def test_the_currency_beside_a_number_is_that_of_the_event() -> None:
    """Which must be said: a sign may mean several, and an amount in another currency would be wrong."""
    said = compile_row(mapping(), COLUMNS)
    unsaid = compile_row(mapping(set={}), COLUMNS)

    assert said(["7", "19970101", "2", "($ 1,020.50)"], 1)["properties"]["revenue"] == -1020.5
    assert said(["7", "19970101", "2", "12.50 usd"], 1)["properties"]["revenue"] == 12.5
    with pytest.raises(BadRow, match=r"nothing says its currency: add --set properties\.currency=EUR"):
        unsaid(["7", "19970101", "2", "12.50 €"], 1)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"map": {"timestamp": {"column": "date"}}}, "about"),
        ({"map": {"user_id": {"column": "customer"}}}, "when a row happened"),
        ({"event": ""}, "what happened"),
        ({"set": {"properties.x": {"value": "{custmer}"}}}, "no column 'custmer'"),
        ({"set": {"revenue": {"value": "1"}}}, r"properties\.revenue\?"),
        ({"timezone": "Mars/Base"}, "no time zone"),
    ],
)
def test_a_mapping_that_cannot_work_is_refused(changes: dict[str, Any], words: str) -> None:
    """Before the first row, with the option to add."""
    with pytest.raises(Misconfigured, match=words):
        compile_row(mapping(**changes), COLUMNS)


def test_columns_without_a_name_and_several_with_one() -> None:
    """The first are left, each of the others has a number."""
    columns = ["customer", "date", "", "Phone", "Phone", ""]
    cells = ["7", "20260101", "x", "1", "2", "y"]
    maps = mapping(set={}).map

    def phone(name: str) -> Any:
        target = {"traits.phone": {"column": name}}
        both = {key: maps[key] for key in ("user_id", "timestamp")} | target
        return compile_row(mapping(map=both, set={"traits.both": {"value": "{Phone (1)}{Phone (2)}"}}), columns)

    assert phone("Phone (2)")(cells, 1)["traits"] == {"phone": "2", "both": "12"}
    with pytest.raises(Misconfigured, match=r"several columns are called 'Phone'; say Phone \(1\), Phone \(2\)"):
        phone("Phone")


def test_a_table_of_one_column_says_which_delimiter_it_may_have() -> None:
    """As a spreadsheet of much of Europe writes it."""
    with pytest.raises(Misconfigured, match=r"no column 'customer'.*say --delimiter semicolon"):
        compile_row(mapping(), ["customer;date;amount"])


@pytest.mark.parametrize(
    ("time_format", "zone", "text", "expected"),
    [
        ("iso", "UTC", "2026-01-31T09:30:00+01:00", "2026-01-31T08:30:00Z"),
        ("iso", "Europe/Berlin", "2026-07-01 12:00", "2026-07-01T10:00:00Z"),
        ("epoch", "UTC", "0", "1970-01-01T00:00:00Z"),
        ("epoch_ms", "UTC", "1500", "1970-01-01T00:00:01.500000Z"),
        ("%d.%m.%Y %H:%M", "UTC", "31.01.2026 09:30", "2026-01-31T09:30:00Z"),
        ("iso", "UTC", "2026-03-01 09:50:26 +0200", "2026-03-01T07:50:26Z"),
        ("iso", "Europe/Berlin", "Mar 2, 2026 9:50", "2026-03-02T08:50:00Z"),
        ("iso", "UTC", "1772443826", "2026-03-02T09:30:26Z"),
        ("iso", "UTC", "1772443826000", "2026-03-02T09:30:26Z"),
        ("iso", "UTC", "1772443826000000", "2026-03-02T09:30:26Z"),
        ("excel", "UTC", "44256.5", "2021-03-01T12:00:00Z"),
        ("excel", "Europe/Berlin", "46204", "2026-06-30T22:00:00Z"),
    ],
)
def test_times(time_format: str, zone: str, text: str, expected: str) -> None:
    """Each way of writing a time, with and without a zone."""
    assert iso_time(time_format, zone)(text) == expected


@pytest.mark.parametrize(
    ("time_format", "text", "words"),
    [
        ("iso", "02/03/2026", "--time-format '%d/%m/%Y' or --time-format '%m/%d/%Y'"),
        ("iso", "30/02/2026 10:00", "which is the month: --time-format '%d/%m/%Y ...'"),
        ("iso", "2.3.26", "'%d.%m.%y' or --time-format '%m.%d.%y'"),
        ("iso", "44256", "the day of a spreadsheet[?] Then say --time-format excel"),
        ("epoch", "1772443826000", "without --time-format its size tells the unit"),
        ("excel", "2026-01-01", "could not convert"),
        ("excel", "1772443826", "no number of a day"),
        ("iso", "0000-00-00 00:00:00", "year 0"),
    ],
)
def test_a_time_in_doubt_says_what_to_do(time_format: str, text: str, words: str) -> None:
    """Rather than that one is guessed."""
    with pytest.raises(ValueError, match=words.replace("(", r"\(")):
        iso_time(time_format, "UTC")(text)


def test_short_targets_keep_colons_that_are_no_type() -> None:
    """`:number` is a type, `:8000` is text."""
    assert parse_target("amount:number", constant=False).type == "number"
    assert parse_target("http://x:8000", constant=True).value == "http://x:8000"


def test_a_mapping_file_may_be_short(tmp_path: Path) -> None:
    """Columns with types on one line, constants as YAML has them."""
    file = tmp_path / "mapping.yaml"
    file.write_text("event: Order Completed\nmap: {user_id: customer, timestamp: date}\nset: {properties.tax: 1.5}\n")

    spec = validated(TableMapping, load_mapping(file), "mapping.yaml")
    event = compile_row(spec, ["customer", "date"])(["7", "2026-01-01"], 1)

    assert event["properties"] == {"tax": 1.5}


def test_a_mapping_file_with_an_unknown_option_is_refused(tmp_path: Path) -> None:
    """The message names it."""
    file = tmp_path / "mapping.yaml"
    file.write_text("evnt: Order Completed\n")

    with pytest.raises(Misconfigured, match="evnt"):
        validated(TableMapping, load_mapping(file), "mapping.yaml")
