"""Rows of a table become events as the mapping says, or say what is wrong with them."""

from __future__ import annotations

from typing import Any

import pytest

from console.files.mapping.compiling import compile_row
from console.files.mapping.table_mapping import BadRow, TableMapping
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
