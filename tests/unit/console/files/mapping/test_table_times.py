"""Times of cells: read without doubt, or said what to do."""

from __future__ import annotations

import pytest

from console.files.mapping.table_times import iso_time


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
