"""Labels of companies: what is kept of one, and what is known of it once its horizon is over."""

from __future__ import annotations

from collections import Counter

import pytest

from models.companies.judging import Judging
from models.companies.labels import SIGNALS, CompanyLabels, censor, unpack
from models.companies.signals import ground_of, signals_of
from models.config import ChurnConfig
from models.durations import DAY, WEEK
from profiles.types import Alert, Profile, Subscription
from tests.unit.models.companies.test_measures import EVERY_WEEK, MONDAY, NOW, UNTIL_THREE_WEEKS_AGO, company, member

CANCELS = {"name": "cancels", "ends_by": {"subscription": "ended"}, "horizon": "13w", "snapshot_every": "5w"}
REVENUE = {"name": "revenue", "ends_by": {"subscription": "ended", "period": "told", "grace": "5d"}, "horizon": "26w"}
BY_CONTRACT = ChurnConfig.model_validate({"definitions": [CANCELS]})
BY_PERIOD = ChurnConfig.model_validate({"definitions": [CANCELS, REVENUE]})
BY_USE = ChurnConfig(horizon=8 * WEEK, snapshot_every=4 * WEEK)


def looked_at(churn: ChurnConfig, acme: Profile, now: float = NOW) -> CompanyLabels:
    """A company of which a snapshot has been taken, and its labels."""
    judging = Judging(churn)
    judging.look(acme, now)
    assert judging.labels.take(acme, now)
    return judging.labels


def with_contract(**more: object) -> Profile:
    return company(
        *[member(EVERY_WEEK)] * 2, member(UNTIL_THREE_WEEKS_AGO),
        subscriptions=[Subscription("s", started=MONDAY * DAY, **more)],  # type: ignore[arg-type]
    )  # fmt: skip


def test_a_snapshot_keeps_the_signals_of_its_time_and_what_was_said() -> None:
    acme = with_contract()
    labels = looked_at(BY_CONTRACT, acme)
    signals = signals_of(acme, NOW, ground_of(BY_CONTRACT))
    assert signals is not None
    acme.roles = {}
    acme.subscriptions[0].ended = NOW + 14 * WEEK

    assert labels.mature(acme, NOW + 13 * WEEK) == []
    (label,) = labels.mature(acme, NOW + 13 * WEEK + labels.lateness)
    assert (label.profile, label.at, label.due, label.schema) == (acme.id, NOW, NOW + 13 * WEEK, SIGNALS)
    assert label.y
    assert (label.horizon, label.treated, label.model) == ("full", False, "company-rules-1")
    assert unpack(label.x) == pytest.approx(signals, rel=1e-6)
    assert len(label.risks) == 4
    assert acme.snapshots == []


@pytest.mark.parametrize(("ended", "stays"), [(NOW + 5 * WEEK, False), (NOW + 14 * WEEK, True), (0, True)])
def test_who_cancels_within_the_horizon_has_left(ended: float, stays: bool) -> None:
    acme = with_contract()
    labels = looked_at(BY_CONTRACT, acme)
    acme.subscriptions[0].ended = ended
    tally = Counter[tuple[str, str]]()

    (label,) = labels.mature(acme, NOW + 20 * WEEK, tally=tally)
    assert label.y is stays
    assert tally == {("company", "stayed" if stays else "left"): 1}


def test_whose_paid_period_is_over_has_left_although_it_never_cancelled() -> None:
    """As stages say, and only where the plan knows that period; one that was renewed has not."""
    told = [(int(MONDAY * DAY), NOW + 6 * WEEK)]
    for churn, renewed, stays in ((BY_CONTRACT, 0.0, True), (BY_PERIOD, 0.0, False), (BY_PERIOD, 6 * WEEK, True)):
        acme = with_contract(ends=list(told))
        labels = looked_at(churn, acme)
        if renewed:
            acme.subscriptions[0].renewed = NOW + renewed
            acme.subscriptions[0].ends.append((int(NOW + renewed), NOW + 58 * WEEK))
        (label,) = labels.mature(acme, NOW + 20 * WEEK)
        assert label.y is stays
    assert CompanyLabels(BY_PERIOD).lateness == CompanyLabels(BY_CONTRACT).lateness + 5 * DAY, "it may still be renewed"


def test_without_contracts_who_is_seen_at_work_is_still_here() -> None:
    acme = company(*[member(EVERY_WEEK)] * 3)
    labels = looked_at(BY_USE, acme)
    silent, busy = acme, company(*[member([*EVERY_WEEK, 170])] * 3, snapshots=list(acme.snapshots))
    later = company(*[member([*EVERY_WEEK, 230])] * 3, snapshots=list(acme.snapshots))
    long_after = company(*[member([*EVERY_WEEK, 330])] * 3, snapshots=list(acme.snapshots))
    reached = NOW + 9 * WEEK

    assert [label.y for label in labels.mature(silent, reached)] == [False]
    assert [label.y for label in labels.mature(busy, reached)] == [True]
    assert [label.y for label in labels.mature(later, reached)] == [False], "only after the horizon"
    tally = Counter[tuple[str, str]]()
    assert labels.mature(long_after, reached, tally=tally) == []
    assert tally == {("company", "forgotten"): 1}, "its days of then are forgotten"


def test_snapshots_are_taken_of_who_has_a_risk_and_not_twice_in_a_row() -> None:
    acme = with_contract()
    labels = looked_at(BY_CONTRACT, acme)
    due = labels.next_snapshot(acme, NOW)

    assert not labels.take(acme, NOW + 2 * WEEK)
    assert due is not None
    assert NOW < due <= NOW + 5 * WEEK
    assert labels.next_snapshot(acme, due) == pytest.approx(due + 5 * WEEK)
    assert labels.next_due(acme) == NOW + 13 * WEEK + labels.lateness
    assert labels.take(acme, NOW + 5 * WEEK)
    gone = with_contract(ended=NOW - DAY)
    Judging(BY_CONTRACT).look(gone, NOW)
    assert labels.next_snapshot(gone, NOW) is None
    assert not labels.take(gone, NOW)
    assert labels.next_due(gone) is None


def test_a_label_that_people_may_have_changed_says_so_and_one_over_an_outage_is_none() -> None:
    acme = with_contract()
    labels = looked_at(BY_CONTRACT, acme)
    acme.alerts = {"rule": Alert("a", "rule", "acknowledged", NOW, NOW + WEEK, 0.8)}
    (label,) = labels.mature(acme, NOW + 20 * WEEK)
    assert label.treated

    hidden = with_contract()
    looked_at(BY_CONTRACT, hidden)
    assert labels.mature(hidden, NOW + 20 * WEEK, [(NOW + WEEK, NOW + 5 * WEEK)]) == []
    tally = Counter[tuple[str, str]]()
    looked_at(BY_CONTRACT, hidden)
    censor(hidden, tally)
    assert (hidden.snapshots, tally) == ([], {("company", "censored"): 1})
