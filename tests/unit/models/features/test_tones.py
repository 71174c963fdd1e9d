"""A reason's words agree with its sign: over the whole table, for histories of every kind."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.durations import DAY
from models.features.matrix import matrix
from models.features.reading import raws
from models.features.table import COLUMN, NAMES, TABLE
from models.features.tones import FACTS, tellable
from profiles.types import Event, Profile, Reason
from tests.build import KINDS_COUNT, T0, buyer, customer, event

END = 200.0  # days

UNTOLD = {"log_discounted", "inquiry_8w", "contact_made_8w", "cart_share"}
"""Neither good nor bad, or told by another feature of the same fact."""

WORSE = (
    "order so far", "already", "not ordered", "open tickets", "Waiting", "refused", "complaint", "Complaint", "refund",
    "late or failed", "cancelled", "paused", "Unsubscribed", "reopened", "less ", "fewer ", "smaller", "dearer",
    "removal", "Bought only", "Customer for only", "return asked for", "with a discount", "tickets opened",
    "ticket opened",
)  # fmt: skip
BETTER = ("First order only", "Last order only", "Subscribed for", "more often", "more than", "larger", "Bought from",
          "Last click", "Last opening", "Last search", "Last checkout", "Last product", "Last cart")  # fmt: skip
MISCOUNTED = re.compile(
    r"(?<![\d.,])(?:1 (?:days|months|times|orders|tickets|visits|\w+ies|complaints|refunds|categories|features)"
    r"|(?:0|[2-9]|\d{2,}) (?:day|month|time|order|ticket|complaint|refund|feature|delivery|case))\b"
)
GAP = "usually every (.*)|(.*) after the first"
ROLES = (
    "purchase", "purchase", "purchase", "visit", "visit", "login", "feature_use", "view", "search", "cart", "checkout",
    "ticket_opened", "ticket_solved", "ticket_reopened", "complaint", "inquiry", "refund", "return", "contact_made",
    "contact_clicked", "contact_opened", "unsubscribe", "csat", "nps", "ces", "review", "subscription_start",
    "subscription_cancel", "subscription_pause", "delivery_late", "undelivered", "order_cancelled", "coupon_denied",
    "payment_failed", "uninstalled",
)  # fmt: skip


def seconds(text: str) -> float:
    """How long "12 days" or "today" is."""
    if text in {"today", "yesterday"}:
        return float(text == "yesterday")
    number, unit = text.split()[:2]
    return float(number) * {"d": 1.0, "m": 30.44, "y": 365.25}[unit[0]]


def contradicts(text: str, raises: bool) -> bool:
    """Whether a person would take the words for the other sign."""
    if found := re.fullmatch(
        r"Last order (.*?)(?: ago)?, (?:usually every (.*)|(.*) after the first|at most (.*) between.*)", text
    ):
        since, usual = seconds(found[1]), seconds(next(part for part in found.groups()[1:] if part))
        return since < usual if raises else since > usual
    if found := re.search(r"about (\d+) times? in the last two weeks, before that about (\d+)$", text):
        return int(found[1]) > int(found[2]) if raises else int(found[1]) < int(found[2])
    if found := re.fullmatch(r"Last (?:seen|visit|login|use of the app) (.*?)(?: ago)?(?:, before that .*)?", text):
        return seconds(found[1]) < 7 if raises else seconds(found[1]) > 14
    if found := re.fullmatch(r"(?:Answered \w+|Reviewed with) (\d+) of (\d+), .*", text):
        return int(found[1]) == int(found[2]) if raises else int(found[1]) == 1
    return any(word in text for word in (BETTER if raises else WORSE))


def person(happened: list[tuple[str, float, int]]) -> Profile:
    def one(place: int, role: str, age: float, number: int) -> Event:
        facts = {"of": ["discount", "price"][: number % 3], "feature": f"f{number}"}
        return event(role, END - age, id=f"{place}", amount=100 * (1 + number), subject=f"S{number % 3}",
                     rating=1.0 + number % 5, category="Books" if number % 2 else "Food", properties=facts)  # fmt: skip

    later = [one(place, *each) for place, each in enumerate(happened)]
    return customer(event("purchase", 0, amount=2500), *later, limits=KINDS_COUNT)


HISTORIES = st.lists(
    st.tuples(st.sampled_from(ROLES), st.floats(0.0, 190.0) | st.floats(0.0, 20.0), st.integers(0, 6)), max_size=40
)


@given(HISTORIES)
def test_the_words_of_every_feature_agree_with_the_sign(happened):
    profile, at = person(happened), T0 + END * DAY
    values = matrix(raws([profile], "EUR"), np.array([at]))
    tones = tellable(values, None)

    both = (tones.raises & tones.lowers)[0]
    assert {FACTS[j] for j in np.flatnonzero(both)} <= {"all silence"}  # told in other words
    assert not (tones.causes & ~tones.raises).any()
    for sign, flags in ((1.0, tones.raises), (-1.0, tones.lowers)):
        for j in np.flatnonzero(flags[0]):
            text = TABLE[j].say(profile, at, Reason(NAMES[j], sign, float(values[0, j])))
            other = TABLE[j].say(profile, at, Reason(NAMES[j], -sign, float(values[0, j])))
            assert not text or text != other or not both[j], text
            assert not text.startswith(("No ", "Nothing", "Has not")), text
            assert not contradicts(text, sign > 0), (NAMES[j], sign, text)
            assert not MISCOUNTED.search(text), text


@pytest.mark.parametrize("last", [9, 31, 65])
def test_a_long_silence_never_lowers_and_a_short_one_never_raises(last):
    weekly = customer(*(event("purchase", day, amount=900) for day in range(0, 100, 10)),
                      *(event("visit", day + 0.5) for day in range(0, 91, 2)))  # fmt: skip
    values = matrix(raws([weekly], "EUR"), np.array([T0 + (90 + last) * DAY]))

    raises, lowers, _ = tellable(values, None)

    assert (raises[0, COLUMN["recency"]], lowers[0, COLUMN["recency"]]) == (last > 10, last < 20)
    assert not lowers[0, COLUMN["visit_2w"]] or last < 14
    assert raises[0, COLUMN["visit_2w"]] or last < 14


def tones_of(*happened, day=END, average=None, spread=None):
    profile = customer(event("purchase", 0, amount=900), *happened, limits=KINDS_COUNT)
    found = tellable(matrix(raws([profile], "EUR"), np.array([T0 + day * DAY])), average, spread)
    return {NAMES[j] for j in np.flatnonzero(found.causes[0])}, {NAMES[j] for j in np.flatnonzero(found.raises[0])}


def test_one_question_is_no_trouble_and_two_are():
    asked = [event("ticket_opened", 190, subject="A"), event("ticket_solved", 191, subject="A")]
    again = [event("ticket_opened", 196, subject="B"), event("ticket_solved", 197, subject="B")]

    assert not tones_of(*asked)[1] & {"ticket_opened_8w", "support_trouble_2w"}
    assert {"ticket_opened_8w", "support_trouble_2w"} <= tones_of(*asked, *again)[0]


def test_a_ticket_of_today_does_not_wait_yet():
    assert not tones_of(event("ticket_opened", 199.5, subject="A"))[1] & {"open_tickets", "oldest_open"}
    assert {"open_tickets", "oldest_open"} <= tones_of(event("ticket_opened", 195, subject="A"))[0]


def test_what_happened_long_ago_is_no_cause():
    assert "complaint_8w" in tones_of(event("complaint", END - 60))[0]
    assert "complaint_8w" not in tones_of(event("complaint", END - 100))[0]


def test_trouble_of_who_fell_silent_is_judged_as_of_when_they_were_seen_last():
    trouble = [event("complaint", 60), event("visit", 70)]

    assert "complaint_8w" in tones_of(*trouble)[0]
    assert "complaint_8w" not in tones_of(*trouble, event("visit", 198))[0]


def test_trouble_that_everybody_has_is_no_cause():
    """Three complaints are many where hardly anybody complains, and few where all do."""
    three = [event("complaint", END - day) for day in (3, 10, 20)]
    few, many = np.zeros(len(NAMES)), np.zeros(len(NAMES))
    many[COLUMN["complaint_8w"]] = 2.0

    assert "complaint_8w" in tones_of(*three, average=few, spread=np.full(len(NAMES), 0.5))[0]
    assert "complaint_8w" not in tones_of(*three, average=many, spread=np.full(len(NAMES), 0.5))[0]


def test_use_that_falls_is_a_cause_only_beyond_chance_and_before_they_fell_silent():
    steady = [event("login", day, id=f"s{day}") for day in range(0, 200, 3)]
    fewer = [*steady[:58], event("login", 184), event("login", 197)]
    rare = [event("login", day) for day in range(15, 200, 20)]

    assert "login_decline" in tones_of(*fewer)[0]
    for none in (steady, rare):
        assert not tones_of(*none)[1] & {"login_decline", "login_2w", "logins_missed"}
    causes, raises = tones_of(*steady, day=230)  # nothing since: that is silence
    assert ("login_decline" in causes, "login_decline" in raises) == (False, True)
    assert "login_decline" in tones_of(*fewer, day=230)[0]


def test_a_discount_is_a_cause_where_there_were_several_and_none_any_more():
    discounted = [event("purchase", day, id=f"d{day}", amount=900, properties={"of": ["discount"]})
                  for day in (100, 120, 140)]  # fmt: skip
    full = event("purchase", 185, amount=900)

    assert "discount_share" not in tones_of(*discounted, day=142)[1]
    assert "discount_habit" in tones_of(*discounted, full, day=190)[0]
    assert "discount_habit" not in tones_of(discounted[0], full, day=190)[1]


def test_a_fact_is_told_once():
    """The only order is told as silence: no habit and no time as a customer beside it."""
    values = matrix(raws([buyer(0)], "EUR"), np.array([T0 + 34 * DAY]))

    raises, lowers, _ = tellable(values, None)

    told = {FACTS[j] for j in np.flatnonzero(raises[0] | lowers[0])}
    assert told & {"all silence", "all habit", "all tenure"} == {"all silence"}


def test_who_has_said_goodbye_has_not_given_a_cause():
    profile = customer(event("purchase", 0, amount=900), event("uninstalled", 90), event("complaint", 90))
    tones = tellable(matrix(raws([profile], "EUR"), np.array([T0 + 91 * DAY])), None)

    assert tones.raises[0, COLUMN["uninstalled_8w"]]
    assert not tones.causes[0, COLUMN["uninstalled_8w"]]
    assert tones.causes[0, COLUMN["complaint_8w"]]


def test_every_feature_is_told_or_left_out_on_purpose():
    rng = np.random.default_rng(5)
    values = np.concatenate([np.zeros((1, len(NAMES))), rng.normal(0, 5, (4000, len(NAMES)))])
    values[:, [COLUMN[name] for name in ("recency", "tenure", "log_unseen", "categories")]] **= 2
    values[:, COLUMN["categories"]] = np.rint(values[:, COLUMN["categories"]]) % 3

    raises, lowers, _ = tellable(values, np.zeros(len(NAMES)))

    assert {name for name, said in zip(NAMES, (raises | lowers).any(axis=0), strict=True) if not said} == UNTOLD
