"""What counts as leaving, by each kind of definition: who can, the label, and that no order of events changes it."""

from __future__ import annotations

from collections import Counter
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.churn.panel import Panel
from models.config import ChurnConfig
from models.durations import DAY, WEEK
from models.labels import snapshots
from models.labels.outcomes import can_leave, held, holds, next_change, signs_of, stage, stayed
from profiles.documents import decode_profile, encode_profile
from profiles.merge import merge
from profiles.state import Limits, apply
from profiles.types import Profile, Terms
from tests.build import T0, buyer, customer, event

PLAN = ChurnConfig.model_validate(
    {
        "definitions": [
            {"name": "cancels", "ends_by": {"subscription": "ended"}, "horizon": "8w"},
            {"name": "lapses", "ends_by": {"subscription": "ended", "period": "30d", "grace": "10d"}, "horizon": "8w"},
            {"name": "free", "ends_by": {"mrr": 0}, "horizon": "8w"},
            {"name": "told", "ends_by": {"mrr": 0, "period": "told", "grace": "10d"}, "horizon": "8w"},
            {"name": "unused", "ends_by": {"disuse": ["login", "reports"]}, "horizon": "4w", "label_horizon": "2w"},
            {"name": "unseen", "ends_by": {"no": "visit"}, "horizon": "4w", "label_horizon": "2w"},
        ]
    }
)
CANCELS, LAPSES, FREE, TOLD, UNUSED, UNSEEN = (PLAN.of(each.name) for each in PLAN.definitions)
LIMITS = Limits(signs=signs_of(PLAN.definitions))


def day(number: float) -> float:
    return T0 + number * DAY


def subscriber(*events: tuple[str, float], price: int = 0) -> Profile:
    told = [event(role, when, subject="s1", amount=price, currency="EUR" if price else "") for role, when in events]
    return customer(*told, limits=LIMITS)


def test_the_plans_own_definition_is_what_it_was() -> None:
    assert PLAN.of("") is PLAN
    assert (PLAN.name, CANCELS.name) == ("", "cancels")
    assert CANCELS.label_horizon == CANCELS.horizon == 8 * WEEK  # a state ends once
    assert (CANCELS.panel, UNUSED.panel) == (1, 4)  # so each of its snapshots can judge what was said
    assert (UNUSED.label_horizon, UNUSED.bands) == (2 * WEEK, PLAN.bands)
    with pytest.raises(KeyError):
        PLAN.of("other")
    assert encode_profile(buyer(0))[-1:] == b"\xc0"  # one byte, where there are none


@pytest.mark.parametrize(
    ("events", "at", "lasts"),
    [
        ([], 5, False),
        ([("subscription_start", 0)], 5, True),
        ([("subscription_start", 0), ("subscription_cancel", 4)], 5, False),
        ([("subscription_start", 0), ("subscription_cancel", 6)], 5, True),  # as of the day
        ([("subscription_start", 0), ("subscription_cancel", 4), ("subscription_start", 4.5)], 5, True),
        ([("subscription_start", 0), ("subscription_cancel", 4), ("subscription_start", 6)], 5, False),
        ([("subscription_change", 0)], 5, True),  # of which the start was before there were events
        ([("subscription_change", 0), ("subscription_cancel", 4), ("subscription_change", 4.5)], 5, False),
        ([("subscription_start", 0), ("subscription_cancel", 4), ("subscription_change", 4.5)], 5, False),
    ],
)
def test_a_subscription_ends_when_it_is_cancelled(events: list[tuple[str, float]], at: float, lasts: bool) -> None:
    for order in permutations(events):
        profile = subscriber(*order)
        assert holds(profile, day(at), CANCELS.definition.ends_by) is lasts  # type: ignore[union-attr]
        assert can_leave(profile, day(at), CANCELS) is lasts


@pytest.mark.parametrize(
    ("events", "at", "lasts"),
    [
        ([("subscription_start", 0)], 39, True),  # paid for 30 days, and 10 of grace
        ([("subscription_start", 0)], 41, False),
        ([("subscription_start", 0), ("subscription_renew", 30)], 69, True),
        ([("subscription_start", 0), ("subscription_cancel", 4)], 29, True),  # until the end of what is paid
        ([("subscription_start", 0), ("subscription_cancel", 4)], 31, False),  # and no grace
        ([("subscription_start", 0), ("subscription_renew", 30), ("subscription_cancel", 40)], 59, True),
    ],
)
def test_one_that_is_not_renewed_ends_with_the_paid_period(
    events: list[tuple[str, float]], at: float, lasts: bool
) -> None:
    assert can_leave(subscriber(*events), day(at), LAPSES) is lasts


RESTARTED = ("subscription_start", 0), ("subscription_start", 95)


@pytest.mark.parametrize(
    ("config", "events", "lasts"),
    [
        # a renewal since then, as one comes each month, hides the one before
        *((config, [("subscription_start", 0), ("subscription_renew", 90.5)], True) for config in (CANCELS, LAPSES)),
        *((config, [("subscription_renew", 90.5)], True) for config in (CANCELS, LAPSES)),
        # it was ended and renewed before the snapshot of day 30
        (CANCELS, [("subscription_start", 0), ("subscription_cancel", 20), ("subscription_renew", 90.5)], True),
        # it was ended since the snapshot, and nobody knows whether it was renewed before day 90
        (CANCELS, [("subscription_start", 0), ("subscription_cancel", 40), ("subscription_renew", 90.5)], None),
        (LAPSES, [("subscription_start", 0), ("subscription_cancel", 70), ("subscription_renew", 90.5)], None),
        # what is started again, as at an upgrade
        (CANCELS, RESTARTED, True),
        (LAPSES, RESTARTED, None),
        (LAPSES, [*RESTARTED, ("subscription_renew", 60)], True),
        (CANCELS, [*RESTARTED, ("subscription_cancel", 20)], None),
        (CANCELS, [*RESTARTED, ("subscription_cancel", 40)], False),
        # what is new since then was not there
        *((config, [("subscription_start", 95), ("subscription_renew", 96)], False) for config in (CANCELS, LAPSES)),
    ],
)
def test_what_came_since_ends_no_subscription(
    config: ChurnConfig, events: list[tuple[str, float]], lasts: bool | None
) -> None:
    for order in permutations(events):
        assert stayed(subscriber(*order), day(30), day(90), config) is lasts


@pytest.mark.parametrize(
    ("events", "lasts"),
    [
        ([("subscription_start", 0), ("subscription_start", 65), ("subscription_start", 95)], True),
        ([("subscription_start", 0), ("subscription_cancel", 70), ("subscription_renew", 65)], True),
        ([("subscription_renew", 65), ("subscription_cancel", 70), ("subscription_renew", 95)], True),
    ],
)  # fmt: skip
def test_a_price_tells_when_it_was_paid(events: list[tuple[str, float]], lasts: bool) -> None:
    for order in permutations(events):
        assert stayed(subscriber(*order, price=900), day(30), day(90), LAPSES) is lasts


def contract(*events: tuple[str, float, Terms]) -> Profile:
    told = [
        event(role, when, subject="s1", amount=terms.mrr or 0, currency="EUR", terms=terms)
        for role, when, terms in events
    ]
    return customer(*told, limits=LIMITS)


def term(ends: float, mrr: int | None = 900, interval: str = "") -> Terms:
    return Terms(day(ends), interval, None, mrr)


START = ("subscription_start", 0, term(60))


@pytest.mark.parametrize(
    ("events", "alive", "label"),
    [
        # not renewed: nobody knows within the grace, and then it has ended with the paid period
        ([START], {59: True, 69: True, 71: False}, {59: True, 61: False, 69: False}),
        # renewed within the grace: it has never been away
        ([START, ("subscription_renew", 65, term(120))], {66: True, 119: True, 131: False}, {61: True, 119: True}),
        # renewed when that was over: it is won back, and had ended
        ([START, ("subscription_renew", 75, term(135))], {76: True}, {61: False, 74: False, 76: True}),
        # cancelled: until the end of what is paid, and no longer
        ([START, ("subscription_cancel", 20, Terms())], {59: True, 61: False}, {59: True, 61: False}),
        ([START, ("subscription_cancel", 20, Terms(day(30)))], {29: True, 31: False}, {29: True, 31: False}),
        # a change tells another end, or that it brings nothing any more
        ([START, ("subscription_change", 20, term(90))], {89: True, 101: False}, {61: True, 91: False}),
        ([START, ("subscription_change", 20, Terms(mrr=0))], {21: False}, {19: True, 21: False}),
        # an interval instead of an end; and neither, which lasts until it is cancelled
        (
            [("subscription_start", 0, Terms(None, "week", None, 5))],
            {6: True, 16: True, 18: False},
            {6: True, 8: False},
        ),
        ([("subscription_start", 0, Terms(mrr=5))], {999: True}, {999: True}),
    ],
)
def test_what_is_paid_ends_when_events_tell(
    events: list[tuple[str, float, Terms]], alive: dict[int, bool], label: dict[int, bool]
) -> None:
    """Live by what is known by then; a label is judged when the grace is over, as of the end of what was paid."""
    for order in permutations(events):
        for at, expected in alive.items():
            known = [each for each in order if each[1] <= at]
            assert can_leave(contract(*known), day(at), TOLD) is expected
        for at, expected in label.items():
            assert stayed(contract(*order), day(1), day(at), TOLD) is expected


def test_labels_wait_for_the_grace() -> None:
    assert (TOLD.lateness, LAPSES.lateness) == (PLAN.lateness + 10 * DAY, PLAN.lateness + 10 * DAY)
    assert CANCELS.lateness == PLAN.lateness


@pytest.mark.parametrize(
    ("config", "expected"),
    [(TOLD, [60, 70]), (LAPSES, [30, 40]), (CANCELS, []), (UNUSED, [31]), (UNSEEN, [34])],
)
def test_the_stage_is_foreseen(config: ChurnConfig, expected: list[float]) -> None:
    """The end of what is paid, and of the grace; the end of the silence that is leaving."""
    told = [event("login", 3), event("visit", 6)]
    profile = contract(START)
    if config is LAPSES:  # of which nothing is told
        profile = subscriber(("subscription_start", 0), price=900)
    for happened in told:
        apply(profile, happened, "EUR", LIMITS)
    found, now = [], day(10)
    while (then := next_change(profile, now, config)) is not None:
        assert then > now
        found.append((then - T0) / DAY)
        now = then
    assert found == expected
    assert next_change(profile, day(10), PLAN) is None


def test_money_in_a_currency_without_a_rate_is_money() -> None:
    profile = customer(
        event("subscription_start", 0, subject="s", amount=900, currency="USD", terms=term(60)), limits=LIMITS
    )
    assert can_leave(profile, day(1), TOLD)


def test_a_merge_keeps_the_first_start() -> None:
    early, late = subscriber(("subscription_start", 0)), subscriber(("subscription_start", 95))
    for winner, loser in ((early, late), (late, early)):
        whole = decode_profile(winner.id, encode_profile(winner))
        merge(whole, loser, LIMITS)
        assert stayed(whole, day(30), day(90), CANCELS)


def test_a_label_that_nobody_knows_is_not_learned() -> None:
    profile = photographed(CANCELS, ("subscription_start", 0, "s1"))
    for role, when in (("subscription_cancel", 40), ("subscription_renew", 66.5)):
        apply(profile, event(role, when, subject="s1"), "EUR", LIMITS)
    tally: snapshots.Tally = Counter()

    assert snapshots.mature(profile, day(10) + CANCELS.horizon + CANCELS.lateness, CANCELS, tally=tally) == []
    assert tally["short", "forgotten"] == 1


def test_recurring_revenue_is_that_of_subscriptions_with_a_price() -> None:
    assert can_leave(subscriber(("subscription_start", 0), price=900), day(5), FREE)
    assert not can_leave(subscriber(("subscription_start", 0)), day(5), FREE)
    ended = subscriber(("subscription_start", 0), ("subscription_cancel", 4), price=900)
    assert not can_leave(ended, day(5), FREE)
    assert stage(ended, day(5), FREE) == "ended"


def test_recurring_revenue_ends_with_a_downgrade_to_free() -> None:
    """As of the time that is asked of: a price that came later says nothing."""
    told = [("subscription_start", 0, 0), ("subscription_renew", 14, 900), ("subscription_renew", 44, 0)]
    for order in permutations(told):
        profile = customer(*(event(role, when, subject="s1", amount=price) for role, when, price in order))
        ends_by = FREE.definition.ends_by  # type: ignore[union-attr]
        assert [holds(profile, day(at), ends_by) for at in (5, 20, 50)] == [False, True, False]


def photographed(config: ChurnConfig, *events: tuple[str, float, str]) -> Profile:
    """Somebody with these events and a snapshot of day 10."""
    profile = customer(*(event(role, when, subject=subject) for role, when, subject in events), limits=LIMITS)
    assert snapshots.take(profile, day(10), config, "EUR", Panel.cold(config))
    assert not profile.snapshots
    return decode_profile(profile.id, encode_profile(profile))


def label(profile: Profile, config: ChurnConfig) -> bool:
    """Whether they stayed, by the label of the label horizon."""
    released = snapshots.mature(profile, day(10) + config.label_horizon + config.lateness, config)
    return next(example.y for example in released if example.horizon == "short")


@pytest.mark.parametrize(
    ("config", "role", "subject", "counts"),
    [
        (UNUSED, "login", "", True),
        (UNUSED, "feature_use", "reports", True),
        (UNUSED, "feature_use", "exports", False),
        (UNUSED, "visit", "", False),
        (UNSEEN, "visit", "", True),
        (UNSEEN, "login", "", False),
    ],
)
@pytest.mark.parametrize("later", [11.0, 23.9, 24.1, 30.0])
def test_a_sign_of_life_within_the_label_horizon_is_a_good_label(
    config: ChurnConfig, role: str, subject: str, counts: bool, later: float
) -> None:
    """Two weeks from day 10 on; what came a hundred times since does not hide the first."""
    profile = photographed(config, ("login", 1, ""), ("visit", 1, ""))
    for number in range(100):
        apply(profile, event(role, 40 + number, subject=subject), "EUR", LIMITS)
    apply(profile, event(role, later, subject=subject), "EUR", LIMITS)

    assert label(profile, config) is (counts and later <= 24)
    assert held(profile, config).snapshots == []
    assert profile.churns is not None
    assert profile.churns[config.name].signs == {}


@given(st.permutations([9.0, 12.0, 15.0, 26.0, 40.0]))
def test_signs_are_the_same_in_any_order(days: list[float]) -> None:
    profile = photographed(UNSEEN, ("visit", 1, ""))
    for number in days:
        apply(profile, event("visit", number), "EUR", LIMITS)

    assert profile.churns is not None
    assert profile.churns["unseen"].signs == {day(10): day(12)}


def test_a_label_of_a_subscription_asks_whether_it_lasts_at_the_end() -> None:
    for cancelled, stays in ((30.0, False), (66.2, True)):
        profile = photographed(CANCELS, ("subscription_start", 0, "s1"))
        apply(profile, event("subscription_cancel", cancelled, subject="s1"), "EUR", LIMITS)
        assert label(profile, CANCELS) is stays


def test_a_merge_drops_what_waits() -> None:
    profile = photographed(UNSEEN, ("visit", 1, ""))
    assert snapshots.censor(profile) == 1
    assert held(profile, UNSEEN).snapshots == []


def test_stages_of_a_definition() -> None:
    profile = customer(event("visit", 1), limits=LIMITS)
    assert stage(profile, day(5), UNSEEN) == "active"
    assert stage(profile, day(30), UNSEEN) == "ended"
    assert stage(profile, day(5), UNUSED) == ""
