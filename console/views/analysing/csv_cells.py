"""Cells of CSV files, for spreadsheets."""

from __future__ import annotations

import re
from typing import Any

from console.views.document import Money

__all__ = ["cell"]

_FORMULA = re.compile(r"[\s\ufeff\x00]*[=+\-@|%＝＋－＠]|[\t\r\n\x00]")  # those of full width as well
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?(e[+-]?\d+)?")


def cell(value: Any) -> str:
    """What stands in a cell. A text that a spreadsheet would take for a formula begins with an apostrophe."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Money):
        return _plain(value)
    if isinstance(value, list | tuple):
        return cell(", ".join(_plain(one) for one in value))
    text = str(value)
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def _plain(value: Any) -> str:
    return f"{value.amount} {value.currency}" if isinstance(value, Money) else str(value)
