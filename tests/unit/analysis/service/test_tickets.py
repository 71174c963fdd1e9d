"""Tickets: waits that do not forget those who still wait."""

from __future__ import annotations

from datetime import date

from analysis.parameters import Parameters
from analysis.running import behind, run
from analysis.service.tickets import TICKETS
from tests.analysed import archived, happened


def ticket(customer: str, subject: str, opened: str, **later: str) -> list[dict[str, object]]:
    events = [happened(customer, "ticket_opened", opened, subject=subject)]
    return events + [
        happened(customer, f"ticket_{what.rstrip('_')}", when, subject=subject) for what, when in later.items()
    ]


def test_the_worst_that_stay_open_are_in_the_median() -> None:
    events = [
        *ticket("a", "1", "01-05 10:00", replied="01-05 11:00", solved="01-05 12:00"),
        *ticket("b", "2", "01-05 10:00", replied="01-05 14:00", solved="01-05 20:00"),
        *ticket("c", "3", "01-05 10:00"),
        *ticket("d", "4", "01-05 10:00"),
        *ticket("a", "5", "01-06 10:00", solved="01-06 11:00", reopened="01-07 10:00"),
    ]
    engine = archived(events, until="03-10")
    [row] = run(TICKETS, engine, Parameters()).rows
    assert (row["period"], row["opened"], row["customers"]) == (date(2026, 1, 1), 5, 4)
    assert (row["solved"], row["unsolved"], row["reopened"], row["one_touch"]) == (3, 3, 1, 2)
    assert row["first_answer"] == 2.5 * 3600
    assert row["resolved"] == 2 * 3600  # of 1, 2 and 10 hours
    assert row["median"] == 10 * 3600  # of five, the third: two still wait
    behind_it = behind(TICKETS, engine, Parameters(), {"period": row["period"], "by": ""}, "unsolved")
    assert [each["customer"] for each in behind_it.customers] == ["a", "c", "d"]


def test_what_was_solved_before_it_was_opened_is_not_solved() -> None:
    [row] = run(TICKETS, archived(ticket("a", "1", "01-05", solved="01-04"), until="03-10"), Parameters()).rows
    assert (row["opened"], row["solved"], row["resolved"], row["median"]) == (1, 0, None, None)


def test_a_ticket_that_is_opened_again_after_it_was_solved_waits_again() -> None:
    """Not one of which it is only told again that it was opened, before it was solved."""
    again = happened("a", "ticket_opened", "01-08", subject="1")
    told_twice = happened("b", "ticket_opened", "01-05 13:00", subject="2")
    events = [*ticket("a", "1", "01-05", solved="01-06"), again, *ticket("b", "2", "01-05", solved="01-06"), told_twice]
    [row] = run(TICKETS, archived(events, until="03-10"), Parameters()).rows
    assert (row["opened"], row["solved"], row["unsolved"]) == (2, 2, 1)
