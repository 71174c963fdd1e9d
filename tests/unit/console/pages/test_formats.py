"""How pages write what customers themselves have written, and figures in two languages."""

from __future__ import annotations

import pytest
from babel import Locale

from console.pages.formats import Formats, plain
from console.views.document import Money

EN, ZH = Formats(Locale.parse("en")), Formats(Locale.parse("zh_Hans"))


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("Ada", "Ada"),
        ("a\x00b\x1bc", "a␀b␛c"),
        ("two\nlines\tand a tab", "two lines and a tab"),
        ("\u202egnp.exe", "\ufffdgnp.exe"),
        ("x" * 300, "x" * 200 + "…"),
        (12.5, "12.5"),
    ],
)
def test_what_customers_wrote_is_harmless(written: object, shown: str) -> None:
    assert plain(written) == shown


def test_markup_of_customers_is_escaped_and_no_script_looks_into_it() -> None:
    assert EN.said("<b hx-get=/x>") == '<bdi dir="auto" hx-ignore>&lt;b hx-get=/x&gt;</bdi>'


def test_figures_are_written_as_the_language_does() -> None:
    euros = [Money(amount="1234.50", currency="EUR", minor=123450), Money(amount="3", currency="JPY", minor=3)]
    assert EN.money(euros) == "€1,234.50 + ¥3"
    assert EN.money([]) == "–"
    assert EN.percent(0.256) == "26%"
    assert EN.percent(None) == "–"
    assert EN.points(-0.051) == "−5"
    assert "3天前" in ZH.ago(0.0, 3 * 86400.0)
    assert 'title="Jan 1, 1970, 12:00:00\u202fAM UTC"' in EN.ago(0.0, 3 * 86400.0)
