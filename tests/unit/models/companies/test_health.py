"""The health of a company: the mean of what is known by weight, with every part in words."""

from __future__ import annotations

import msgspec
import pytest

from models.companies.health import LEAST, WEIGHTS, judge_health
from models.companies.words import part_in_words, why_no_health
from models.durations import WEEK
from profiles.companies.days import DAY
from profiles.types import Health, Opinion, Profile, Tally, Ticket
from tests.unit.models.companies.test_measures import EVERY_WEEK, MONDAY, NOW, UNTIL_THREE_WEEKS_AGO, company, member

KEY = frozenset({"reports", "exports"})


def well() -> Profile:
    """A company of which everything is known, and good."""
    parts = [member(range(100, 141)), member(EVERY_WEEK), member(EVERY_WEEK)]
    for part in parts:
        part.state.used = {"reports": int(NOW - DAY), "exports": int(NOW - DAY)}
    acme = company(*parts)
    acme.traits = {"seats": (3, 0.0, b"")}
    acme.roles = {
        role: Tally(1, NOW - WEEK, NOW - WEEK) for role in ("goal", "ticket_opened", "contact_made", "purchase")
    }
    acme.tickets = [Ticket("t", opened=NOW - WEEK, solved=NOW - WEEK + 60)]
    acme.opinions = {"nps": Opinion(1, 10.0, 10.0, NOW - WEEK)}
    return acme


def points(health: Health) -> dict[str, float | None]:
    return {part.name: part.points for part in health.parts}


def test_a_company_that_is_well_has_all_points() -> None:
    """Of every part, and says of each what it was judged by."""
    health = judge_health(well(), NOW, WEIGHTS, KEY)

    assert (health.value, health.band) == (100.0, "green")
    assert points(health) == dict.fromkeys(WEIGHTS, 100.0)
    words = {part.name: part_in_words(part) for part in health.parts}
    assert words["use"] == "active members a week are at 150% of the usual 2"
    assert words["breadth"] == "2 of 2 features used by several within 28 days"
    assert words["seats"] == "3 of 3 seats used within 28 days"
    assert words["relationship"] == "1 champion, last spoken with 7 days ago"
    assert words["payment"] == "all is paid"


def test_each_part_falls_by_its_own_trouble() -> None:
    """And no other one does."""
    waits, angry, unpaid = well(), well(), well()
    waits.tickets.append(Ticket("u", opened=NOW - 9 * DAY))
    angry.opinions["nps"] = Opinion(1, 0.0, 0.0, NOW - DAY)
    unpaid.roles["payment_failed"] = Tally(1, NOW - 12 * DAY, NOW - 6 * DAY)

    for acme, part, left in ((waits, "support", 70.0), (angry, "sentiment", 0.0), (unpaid, "payment", 50.0)):
        found = points(judge_health(acme, NOW, WEIGHTS, KEY))
        assert found == dict.fromkeys(WEIGHTS, 100.0) | {part: left}
    late = judge_health(unpaid, NOW + 5 * DAY, WEIGHTS, KEY)
    assert points(late)["payment"] == 0.0


def test_who_works_with_it_less_is_less_well() -> None:
    """By own habit; of who is silent nothing is left."""
    acme = company(*[member(EVERY_WEEK)] * 3, *[member(UNTIL_THREE_WEEKS_AGO)] * 2)

    assert points(judge_health(acme, NOW, WEIGHTS, KEY))["use"] == pytest.approx(100 * 0.3 / 0.7)
    assert points(judge_health(acme, NOW + 8 * WEEK, WEIGHTS, KEY))["use"] == 0.0


def test_too_little_is_no_health_and_says_what_is_missing() -> None:
    """Weights are those of the plan; a part that it leaves out is not asked for."""
    unknown = judge_health(company(), NOW, WEIGHTS, KEY)
    assert (unknown.value, unknown.band) == (None, "")
    assert "nobody said how many seats were bought" in why_no_health(unknown)
    assert why_no_health(None)

    acme = well()
    acme.opinions["nps"] = Opinion(1, 0.0, 0.0, NOW - DAY)
    some = judge_health(acme, NOW, {**dict.fromkeys(WEIGHTS, 0.0), "sentiment": 3.0, "payment": 1.0, "seats": 1.0}, KEY)
    assert some.value == pytest.approx(40.0)
    assert len(some.parts) == LEAST


def test_a_band_stays_while_the_health_is_close_to_it() -> None:
    """So that nobody is told of a change every day."""
    acme = well()
    acme.roles["payment_failed"] = Tally(1, NOW, NOW)
    acme.opinions["nps"] = Opinion(1, 3.0, 3.0, NOW - DAY)
    weights = {**dict.fromkeys(WEIGHTS, 0.0), "sentiment": 8.0, "payment": 8.0, "seats": 8.0}
    once = judge_health(acme, NOW, {**weights, "use": 5.0}, KEY)
    assert once.value is not None
    assert (65 <= once.value < 70, once.band) == (True, "amber")

    assert acme.company is not None
    acme.company.health = msgspec.structs.replace(once, band="green")
    assert judge_health(acme, NOW, {**weights, "use": 5.0}, KEY).band == "green"
    assert MONDAY


def test_an_answer_off_its_scale_does_not_drown_the_others() -> None:
    """Somebody writes the percentage of a survey where its figure belongs."""
    acme = well()
    acme.opinions = {"nps": Opinion(1, 900.0, 900.0, NOW - WEEK), "csat": Opinion(1, 1.0, 1.0, NOW - WEEK)}

    assert points(judge_health(acme, NOW, WEIGHTS, KEY))["sentiment"] == 50.0
