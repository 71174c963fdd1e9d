"""All figures of one customer, as of a time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import NamedTuple

from models.churn.outlook import Interval
from models.customer.ahead import Ahead, Base, ahead_of
from models.customer.answers import About, opinions_of
from models.customer.attention import Attention, attention_of
from models.customer.buying import Buying, buying_of
from models.customer.coming import Coming, coming_of, steadiness_of
from models.customer.config import CostsSpec
from models.customer.dealings import dealings_of
from models.customer.fifths import Fifths, fifths_of
from models.customer.journey import Journey, Wait, journey_of
from models.customer.leanings.comings import Comings, comings_of
from models.customer.leanings.drivers import Drivers, drivers_of
from models.customer.leanings.novelty import Novelty, novelty_of
from models.customer.leanings.price_band import PriceBand, price_band_of
from models.customer.leanings.shelf import Shelf
from models.customer.leanings.tags import Tag, Tagged, tags_of
from models.customer.loyalty import Loyalty, loyalty_of
from models.customer.satisfaction import Satisfaction, satisfaction_of
from models.customer.wishes import Wishes, wishes_of
from models.customer.worth import Profit, Value, profit_of, value_of
from models.population.snapshot import PopulationSnapshot
from profiles.calendar.local_time import EPOCH
from profiles.traces.mementos import mementos_of
from profiles.types import Profile

__all__ = ["Asked", "Picture", "Tastes", "picture_of"]


class Asked(NamedTuple):
    """What a plan and the population say of how figures are made."""

    currency: str
    zone: tzinfo
    costs: CostsSpec
    loyalty: Mapping[str, float]  # weights
    population: PopulationSnapshot
    session_gap: float  # seconds
    base: Base = Base()
    waits: Mapping[str, Wait] = {}  # of all customers, by phase of the journey
    shelf: Shelf = Shelf()
    tagged: Tagged = Tagged()
    firsts: Mapping[str, Mapping[int, int]] = {}  # of all customers, by product that is new


class Tastes(NamedTuple):
    """What kind of things a customer chooses, by the catalogue."""

    price_band: PriceBand
    tags: list[Tag]
    novelty: Novelty


class Picture(NamedTuple):
    """What one customer comes to."""

    value: Value
    clv: Ahead
    rfm: Fifths | None
    satisfaction: Satisfaction
    attention: Attention
    habits: Buying
    coming: Coming
    needs: Wishes
    opinion: list[About]
    profit: Profit
    loyalty: Loyalty
    journey: Journey
    comes_with: Comings
    drivers: Drivers
    tastes: Tastes


def picture_of(
    profile: Profile, now: float, asked: Asked, *, profiled: bool, orders: Interval | None = None
) -> Picture:
    """The figures of a customer.

    Args:
        profile: as stored; no tombstone.
        now: seconds.
        asked: by the plan and the census.
        profiled: whether the customer's risk may be looked at.
        orders: that are to be expected of a year, discounted; None where that is not known, or must not be.
    """
    dealings = dealings_of(profile)
    satisfaction = satisfaction_of(profile, dealings, now)
    staying = 1.0 - profile.score.risk if profiled and profile.score is not None else None
    contacts = None if profile.traces is None else profile.traces.contacts
    steadiness = steadiness_of(profile, now, asked.zone)
    value = value_of(profile, dealings, now, asked.currency, asked.costs)
    return Picture(
        value,
        ahead_of(value.ever, orders if profiled else None, asked.base),
        fifths_of(profile, now, asked.currency, asked.population),
        satisfaction,
        attention_of(profile, now, asked.zone),
        buying_of(dealings, now, asked.zone),
        coming_of(profile),
        wishes_of(profile, now, asked.zone),
        opinions_of(profile),
        profit_of(profile, dealings, asked.currency, asked.costs, contacts),
        loyalty_of(
            profile, satisfaction, asked.population, now, asked.currency, asked.loyalty, staying=staying,
            steadiness=steadiness,
        ),
        journey_of(profile, now, asked.session_gap, asked.waits),
        comings_of(profile, now),
        drivers_of(profile, dealings, asked.zone),
        _tastes(profile, asked),
    )  # fmt: skip


def _tastes(profile: Profile, asked: Asked) -> Tastes:
    orders = mementos_of(profile.traces.kept.get("bought", b"")) if profile.traces is not None else []
    bought, shelf = [each.what for each in orders], asked.shelf
    since = datetime.fromtimestamp(profile.purchases.first, asked.zone).toordinal() - EPOCH.toordinal()
    return Tastes(
        price_band_of(bought, shelf.thirds),
        tags_of(bought, shelf.tags, asked.tagged),
        novelty_of(orders, shelf.launched, asked.firsts, since),
    )
