"""Counts by hour and weekday, and months, in few bytes."""

from __future__ import annotations

from profiles.traces.counts import HOURS, MONTHS, add_hours, hours_of, join_months, months_of, note_hour, note_month


def counted(*times: tuple[int, int]) -> bytearray:
    counts = bytearray(HOURS)
    for hour, weekday in times:
        note_hour(counts, hour, weekday)
    return counts


def test_hours_and_weekdays_are_counted() -> None:
    hours, days = hours_of(counted((0, 6), (23, 6), (23, 0)))

    assert (hours[0], hours[23], sum(hours)) == (1, 2, 3)
    assert days == [1, 0, 0, 0, 0, 0, 2]


def test_a_count_goes_on_above_a_byte_and_touches_no_other() -> None:
    hours, days = hours_of(counted(*[(7, 2)] * 700))

    assert hours == [700 if hour == 7 else 0 for hour in range(24)]
    assert days == [700 if day == 2 else 0 for day in range(7)]


def test_counts_of_two_add_up_and_stop_at_the_largest() -> None:
    full = bytearray(b"\xff" * HOURS)

    assert hours_of(add_hours(counted((1, 1)), counted((1, 2))))[0][1] == 2
    assert add_hours(full, counted((1, 1))) == full
    assert add_hours(b"", counted((1, 1))) == counted((1, 1))


def test_months_are_a_set_of_the_latest() -> None:
    held = b""
    for month in (24_300, 24_310, 24_305, 24_310):
        held = note_month(held, month.to_bytes(2, "big"))

    assert months_of(held) == [24_300, 24_305, 24_310]
    many = b"".join(month.to_bytes(2, "big") for month in range(24_311, 24_340))
    assert months_of(join_months(held, many)) == list(range(24_340 - MONTHS, 24_340))
