"""How pages write what customers themselves have written, and figures in two languages."""

from __future__ import annotations

from typing import Any

import pytest
from babel import Locale

from console.pages.formats import Formats, plain
from console.pages.languages import translations
from console.views.document import Money
from console.views.timeline import ShownView

EN = Formats(Locale.parse("en"))
ZH = Formats(Locale.parse("zh_Hans"), translations("zh_Hans").gettext)


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


@pytest.mark.parametrize(
    ("value", "type", "unit", "english", "chinese"),
    [
        (Money(amount="65.00", currency="EUR", minor=6500), "money", None, "€65.00", "€65.00"),
        (1234.125, "number", "km", "1,234.125 km", "1,234.125 km"),
        (True, "boolean", None, "yes", "是"),
        ("<b>Tea", "string", None, "&lt;b&gt;Tea", "&lt;b&gt;Tea"),
        ("2026-02-03T10:00:00Z", "date-time", None, "Feb 3, 2026", "2026年2月3日"),
        ("some day", "date-time", None, "some day", "some day"),
    ],
)
def test_what_an_event_tells_is_in_its_unit(
    value: Any, type: str, unit: str | None, english: str, chinese: str
) -> None:
    told = ShownView(name="x", label="x", value=value, type=type, unit=unit, description=None)
    assert english in EN.told(told)
    assert chinese in ZH.told(told)


def test_figures_are_written_as_the_language_does() -> None:
    euros = [Money(amount="1234.50", currency="EUR", minor=123450), Money(amount="3", currency="JPY", minor=3)]
    assert EN.money(euros) == "€1,234.50 + ¥3"
    assert EN.money([]) == "–"
    assert EN.percent(0.256) == "26%"
    assert EN.percent(None) == "–"
    assert EN.points(-0.051) == "−5"
    assert "3天前" in ZH.ago(0.0, 3 * 86400.0)
    assert 'title="Jan 1, 1970, 12:00:00\u202fAM UTC"' in EN.ago(0.0, 3 * 86400.0)


def test_what_is_yet_to_come_while_the_past_is_gone_through_is_not_told_as_of_the_future() -> None:
    assert "1 second ago" in EN.ago(5 * 86400.0, 3 * 86400.0)


def test_what_is_typed_is_code_and_all_else_text() -> None:
    assert EN.coded("`rapport up` makes <b>one</b>") == "<code>rapport up</code> makes &lt;b&gt;one&lt;/b&gt;"


def test_a_time_in_a_text_is_a_time_and_another_text_itself() -> None:
    assert 'datetime="2026-12-01T08:00:00+00:00"' in EN.moment("2026-12-01T08:00:00Z")
    assert "<script>" not in EN.moment("<script>")
