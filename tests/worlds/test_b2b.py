"""The simulated companies: their money, people and reasons are consistent, in the truth and in the events."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime

import numpy as np
import orjson
import pytest

from models.backtest.evaluation import auc
from models.durations import WEEK
from plan import load_plan
from profiles.types import Event
from streams.offline import Row, read_log
from tests import REPOSITORY
from tests.worlds.b2b import B2B, CAUSES, HELD_B2B, Companies, b2b
from tests.worlds.b2b_events import START, company_events, contracts, events, invoices
from tests.worlds.lives import HERE

AFTER = {"Invoice Paid", "Invoice Overdue", "Ticket Solved"}
BY_THE_BUYER = {"Workspace Created", "Member Invited", "Integration Connected", "Data Imported", "Limit Reached"}


@pytest.fixture(scope="module")
def few() -> Companies:
    return b2b(20, 100, 60, seed=6)


@pytest.fixture(scope="module", params=[B2B, HELD_B2B], ids=["business", "held"])
def many(request) -> Companies:
    return b2b(1500, 15_000, 104, seed=3, rules=request.param)


def week_of(event: dict) -> int:
    return int((datetime.fromisoformat(event["timestamp"]).timestamp() - START) // WEEK)


def test_the_same_seed_gives_the_same_events(few):
    again, other = b2b(20, 100, 60, seed=6), b2b(20, 100, 60, seed=4)

    for company in (0, 7):
        assert company_events(again, company) == company_events(few, company) != company_events(other, company)


def test_every_event_is_of_somebody_and_names_the_company(few):
    members = few.members
    for event in events(few):
        company = int(event["messageId"].split("-")[2])
        person = int(event["userId"].removeprefix("person-"))
        assert members.company[person] == company
        assert (event.get("groupId") or event["context"]["groupId"]) == f"company-{company}"
        if week_of(event) >= few.left[company]:
            assert event["event"] in AFTER
        elif event["source"] in ("product", "server") and event.get("event") not in BY_THE_BUYER:
            assert members.joins[person] <= week_of(event) < members.leaves[person]

    assert (few.left < few.weeks).sum() > 3


def test_the_money_in_the_events_is_the_money_that_is_true(few):
    paid: dict[int, dict[str, float]] = defaultdict(dict)
    week = 50
    for event in events(few):
        if week_of(event) > week or event.get("event") not in ("Subscription Started", "Subscription Changed"):
            continue
        paid[int(event["messageId"].split("-")[2])] = event["properties"]
    here = few.here()[:, week]
    said = {company: round(100 * terms["mrr"]) for company, terms in paid.items() if here[company]}

    assert said == {int(company): int(few.mrr[company, week]) for company in np.flatnonzero(here)}
    assert sum(few.mrr[~here, week]) == 0


def test_who_decides_pays_until_the_end_of_the_paid_period(many):
    left = np.flatnonzero(many.left < many.weeks)

    assert len(left) > 200
    assert all(many.due[company, many.left[company]] for company in left)
    assert all(many.decided[left] < many.left[left])
    assert all(many.decided[left] <= many.told[left])
    assert all(many.told[left] < many.left[left])
    assert (many.left[left] - many.decided[left])[~many.yearly[left]].max() <= 5
    assert not (many.mrr[left, many.left[left]]).any()


def test_money_and_causes_are_those_of_a_business(many):
    cause = np.array(many.cause)[many.decided < HERE]
    nrr, grr = many.retention(103)

    assert {float(np.mean(cause == name)) > 0.12 for name in CAUSES} == {True}
    assert 0.55 < grr < nrr < 1.1
    assert 0.12 < many.logo_churn(103) < 0.35
    assert 8 < len(many.members.company) / len(many.begins) < 12


def test_reviews_halve_the_hazard(many):
    """Who gets one is drawn by lot; among those in the same moods it makes the only difference."""
    lately = np.zeros(many.hazard.shape, dtype=bool)
    for ago in range(many.rules.review_lasts):
        lately[:, ago:] |= many.reviewed[:, : many.weeks - ago]
    calm = (many.hazard > 0) & (many.use == 0) & (many.support == 0) & (many.champion >= 0)

    assert 0.1 < lately[calm].mean() < 0.3
    assert many.hazard[calm & lately].mean() / many.hazard[calm & ~lately].mean() == pytest.approx(0.5, abs=0.001)


def test_the_oracle_is_calibrated(many):
    said, came = [], []
    for week in range(20, many.weeks - 13, 13):
        rows = many.here()[:, week] & (many.decided >= week)
        said.append(many.latent(week, 13)[rows])
        came.append((many.left <= week + 13)[rows])
    p, y = np.concatenate(said), np.concatenate(came).astype(float)

    assert auc(y, p) > 0.75
    for low, high in ((0.0, 0.05), (0.05, 0.2), (0.2, 1.01)):
        inside = (p >= low) & (p < high)
        chance = 4 * float(np.sqrt((p[inside] * (1 - p[inside])).sum())) / inside.sum()
        assert p[inside].mean() == pytest.approx(y[inside].mean(), abs=chance + 0.02)


def test_companies_can_be_customers_of_the_shipped_plan(few):
    plan = load_plan(REPOSITORY / "tracking_plan.yaml")
    reading = read_log(_rows(contracts(few)), plan, START + 200 * WEEK)
    roles = {"purchase", "login", "feature_use", "ticket_opened", "subscription_start", "subscription_renew"}

    assert not reading.rejected
    assert all(isinstance(event, Event) and not event.violations for event in reading.records)
    assert len({event.profile for event in reading.records}) == len(few.begins)
    assert roles <= {event.role for event in reading.records}


def test_invoices_are_those_of_companies_that_pay_by_the_month(few):
    billed = {event["userId"] for event in invoices(few) if event["event"] == "Order Completed"}

    assert billed == {f"company-{company}" for company in np.flatnonzero(~few.yearly)}


def _rows(events: Iterable[dict]) -> Iterator[Row]:
    for line, event in enumerate(events):
        source = event.pop("source")
        yield source, orjson.dumps(event), line
