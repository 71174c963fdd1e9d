"""Dates against now: from which moment on an answer holds, and how a plan may write it."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from models.conditions.compiler import compile_condition, compile_crossings
from models.conditions.dates import Date, date_of
from models.conditions.ranks import Ranks
from models.conditions.tree import Condition
from models.durations import DAY
from models.population.snapshot import PopulationSnapshot
from profiles.times import rfc3339
from profiles.types import Profile, Terms
from tests.build import T0, customer, event

READ: TypeAdapter[Any] = TypeAdapter(Condition)
DATE: TypeAdapter[Any] = TypeAdapter(Date)
AT = T0 + 100 * DAY
ENDS = Profile("p", traits={"ends": (rfc3339(AT), T0, b"m"), "no": ("soon", T0, b"m")})
YEARLY = customer(event("subscription_start", 0, subject="s", terms=Terms(AT, "year", 10, 900_00)))


def answers(said: dict[str, Any], profile: Profile) -> list[tuple[float, bool]]:
    """(days, answer) at each time at which time alone turns it, looked at when it is told."""
    condition = READ.validate_python(said)
    holds = compile_condition(condition, "EUR", 0.0, Ranks(PopulationSnapshot.empty, "EUR"))
    crossings, now = compile_crossings([(condition, 0.0)]), T0 + DAY
    found = [(1.0, holds(profile, now, set(), 0, ()))]
    while (then := crossings.next_change(profile, now)) is not None:
        now = then
        found.append(((now - T0) / DAY, holds(profile, now, set(), 0, ())))
    return found


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"within": "30d"}, [(1, False), (70, True), (100, False)]),
        ({"beyond": "30d"}, [(1, True), (70, False)]),
        ({"beyond": "10d", "within": "30d"}, [(1, False), (70, True), (90, False), (100, False)]),
        ({"passed": "0d"}, [(1, False), (100, True)]),
        ({"passed": "5d"}, [(1, False), (105, True)]),
        ({"lately": "5d"}, [(1, False), (100, True), (105, False)]),
        ({"before": rfc3339(AT + 1)}, [(1, True)]),
        ({"before": rfc3339(AT)}, [(1, False)]),
        ({"after": rfc3339(AT)}, [(1, True)]),
    ],
)
def test_an_answer_turns_at_its_very_moment(said: dict[str, Any], expected: list[tuple[float, bool]]) -> None:
    """Of a trait, and of what events tell of a subscription."""
    assert answers({"trait": "ends", **said}, ENDS) == expected
    assert answers({"subscription": "active", "ends": said}, YEARLY) == expected


def test_what_is_no_date_satisfies_nothing() -> None:
    for said in ({"passed": "0d"}, {"within": "999w"}, {"before": "2200-01-01"}):
        assert answers({"trait": "no", **said}, ENDS) == answers({"trait": "none", **said}, ENDS) == [(1, False)]
        assert answers({"subscription": "active", "renewed": said}, YEARLY) == [(1, False)]
    assert (date_of("2023-11-14"), date_of(True), date_of(["2023-11-14"])) == (1699920000.0, None, None)


def test_all_is_asked_of_one_and_the_same_subscription() -> None:
    monthly = event("subscription_start", 1, subject="t", terms=Terms(T0 + 31 * DAY, "month", 500, 100))
    both = customer(event("subscription_start", 0, subject="s", terms=Terms(AT, "year", 10, 900_00)), monthly)
    asked = {"subscription": "active", "interval": "yearly"}

    assert answers({**asked, "seats": "above 5", "mrr": "at least 900"}, both) == [(1, True)]
    assert answers({**asked, "seats": "above 50"}, both) == [(1, False)]
    assert answers({"subscription": "active", "seats": "above 50"}, both) == [(1, True)]


def test_a_comparison_is_said_in_words() -> None:
    said = DATE.validate_python({"beyond": "1w", "within": "30d", "after": "2026-01-01"})
    assert said.in_words() == "within 30 days and in more than 1 week and not before 2026-01-01"
    assert DATE.validate_python("passed 0d").in_words() == "past"
    assert DATE.validate_python("lately 2d").in_words() == "less than 2 days ago"


@pytest.mark.parametrize(
    "said",
    [
        {"trait": "ends", "within": "soon"}, {"trait": "ends", "within": "30d", "is": "x"},
        {"trait": "ends", "before": "x"},
        {"subscription": "active", "ends": "in 30d"}, {"subscription": "active", "ends": {}},
        {"subscription": "active", "seats": {}}, {"trait": "ends", "passed": "-1d"},
        {"subscription": "active", "interval": []},
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(said: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        READ.validate_python(said)


@pytest.mark.parametrize(
    "said",
    [
        {"within": "7d", "beyond": "30d"}, {"within": "7d", "beyond": "7d"}, {"within": "7d", "passed": "0d"},
        {"within": "7d", "lately": "7d"}, {"beyond": "7d", "passed": "1d"}, {"passed": "30d", "lately": "7d"},
        {"passed": "7d", "lately": "7d"}, {"before": "2020-01-01", "after": "2021-01-01"},
        {"before": "2021-01-01", "after": "2021-01-01"},
    ],
)  # fmt: skip
def test_what_no_date_satisfies_is_refused(said: dict[str, Any]) -> None:
    for condition in ({"trait": "ends", **said}, {"subscription": "active", "ends": said}):
        with pytest.raises(ValidationError, match="no date is "):
            READ.validate_python(condition)


def test_a_range_of_dates_may_be_as_short_as_it_likes() -> None:
    for said in (
        {"within": "8d", "beyond": "7d"}, {"passed": "7d", "lately": "8d"},
        {"before": "2021-01-02", "after": "2021-01-01"},
        {"beyond": "7d", "before": "2021-01-01"}, {"passed": "0d", "lately": "1s"},
    ):  # fmt: skip
        assert READ.validate_python({"trait": "ends", **said})
