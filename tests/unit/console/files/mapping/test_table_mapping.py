"""Mapping files, and targets as options have them."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.files.mapping.compiling import compile_row
from console.files.mapping.table_mapping import TableMapping, load_mapping, parse_target, validated
from profiles.errors import Misconfigured


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
