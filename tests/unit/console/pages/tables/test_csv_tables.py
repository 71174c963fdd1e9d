"""Tables as files: what a spreadsheet would run is text."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from console.pages.tables.csv_tables import written
from console.views.document import Money


def cell(value: Any) -> str:
    (_, row) = csv.reader(io.StringIO(written([value], {"of": lambda given: given})))
    return row[0]


@pytest.mark.parametrize(
    "hostile",
    [
        '=HYPERLINK("https://evil.example","x")', "+cmd|' /C calc'!A0", "-2+3+cmd|' /C calc'!A0", "@SUM(A1)", "\t=1+1",
        "\r=1+1", "\n=1+1", "  =1+1", "\u3000=1+1", "\ufeff=1+1", "%0A=1", "|calc", "＝1+1", "＋1",
        "－1+1", "＠SUM(1)", "\x00=1",
    ],
)  # fmt: skip
def test_no_cell_is_a_formula(hostile: str) -> None:
    assert cell(hostile).startswith("'")
    assert cell([hostile, "b"]).startswith("'")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, ""), (True, "true"), (-1.5, "-1.5"), (-3, "-3"), ("-3.25", "-3.25"), ("a=b", "a=b"), ("a,\nb", "a,\nb"),
        (Money.of_minor(-1250, "EUR"), "-12.50 EUR"), ([Money.of_minor(100, "EUR"), Money.of_minor(1, "USD")],
        "1.00 EUR, 0.01 USD"), (["a", "b"], "a, b"), ([], ""),
    ],
)  # fmt: skip
def test_figures_stay_figures(value: Any, shown: str) -> None:
    assert cell(value) == shown
