"""`subscription`: whether one lasts, each by itself, and on what terms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf
from typing import Annotated, Literal

from pydantic import Field, field_validator

from models.conditions.comparisons import Compare, require_threshold
from models.conditions.crossings import Find, Paths, first_after
from models.conditions.dates import Date, require_date
from models.conditions.kind import Kind
from models.conditions.words import ENGLISH, Say
from models.conditions.writer import Writer
from models.features.readers import lasting, subscription_state, subscriptions_of
from profiles.money import exponent
from profiles.subscriptions.terms import latest_value, moved, paid_until, spell_interval
from profiles.types import Profile, Subscription

__all__ = ["SubscriptionIs"]

_TIMES = ("ends", "started", "renewed", "changed", "cancelled")
_TIMED = {
    "ends": "its paid period ends %(when)s", "started": "started %(when)s", "renewed": "renewed %(when)s",
    "changed": "changed %(when)s", "cancelled": "cancelled %(when)s",
}  # fmt: skip
_MOVES = {"up": "grew last", "down": "shrank last"}


class SubscriptionIs(Kind):
    """`active`: at least one was started and not ended since. `ended`: there were some, and none lasts.

    What else is asked must all be true of one and the same subscription: of one that lasts, or with `ended` of any.
    """

    key = "subscription"
    examples = (
        "{subscription: active}",
        "{subscription: ended}",
        "{subscription: active, ends: within 60d, interval: year}",
        "{subscription: active, mrr: above 1000, seats: {at_least: 10, below: 50}}",
        "{subscription: active, moved: down}",
        "{subscription: active, started: {passed: 14d, lately: 90d}}",
        "{subscription: ended, cancelled: lately 30d}",
    )

    subscription: Literal["active", "ended"]
    ends: Date | None = Field(default=None, description="The end of the paid period, as far as events tell it.")
    started: Date | None = None
    renewed: Date | None = None
    changed: Date | None = None
    cancelled: Date | None = None
    interval: str | Annotated[tuple[str, ...], Field(min_length=1)] | None = Field(
        default=None, description="How often it is paid, such as year."
    )
    seats: Compare | None = None
    mrr: Compare | None = Field(default=None, description="What it brings a month, in units of the plan's currency.")
    moved: Literal["up", "down"] | None = Field(
        default=None, description="Whether what it brings a month, or else its seats, rose or fell last."
    )

    _when = field_validator(*_TIMES)(lambda value: value and require_date(value))
    _threshold = field_validator("seats", "mrr")(lambda value: value and require_threshold(value))

    @property
    def asks_terms(self) -> bool:
        """Whether it asks for more than whether one lasts."""
        return len(self.model_fields_set) > 1

    def roles(self) -> Sequence[str]:
        return ("subscription_start",) if self.subscription == "active" else ("subscription_cancel",)

    def write(self, writer: Writer, margin: float, slack: int) -> str:
        known = "(p.subscriptions or 'subscription_start' in roles or 'subscription_cancel' in roles)"
        state = f"{writer.bind(subscription_state)}(p) == {writer.bind(self.subscription)}"
        terms = f" and {writer.bind(_on_terms(self, writer.currency))}(p, now)" if self.asks_terms else ""
        return f"({known} and {state}{terms})"

    def foresee(self, paths: Paths, margin: float) -> None:
        for name in _TIMES:
            date = getattr(self, name)
            if date is not None and (lengths := date.lengths()):
                paths.of_everybody(_TimeOf(name), lengths)

    def in_words(self, say: Say = ENGLISH) -> str:
        said = [say("with a subscription" if self.subscription == "active" else "with no subscription left")]
        for name in _TIMES:
            if (date := getattr(self, name)) is not None:
                said.append(say(_TIMED[name], when=date.in_words(say)))
        if self.interval is not None:
            said.append(say("paid by the %(interval)s", interval=say.names(self.interval)))
        for words, compared in (("seats", self.seats), ("monthly revenue", self.mrr)):
            said += [] if compared is None else [f"{say(words)} {compared.in_words(say)}"]
        said += [] if self.moved is None else [say(_MOVES[self.moved])]
        return say(", ").join(said)


def _time_of(subscription: Subscription, name: str, now: float) -> float | None:
    """When something of a subscription is or was; None for never, and for what nobody tells."""
    if name == "ends":
        return paid_until(subscription, now)
    value = subscription.ended if name == "cancelled" else getattr(subscription, name)
    return float(value) if value else None


@dataclass(frozen=True)
class _TimeOf:
    """How far a time of any subscription lies ahead, or behind."""

    name: str

    def __call__(self, lengths: list[float]) -> Find[Profile]:
        name = self.name

        def find(profile: Profile, now: float) -> float:
            earliest = inf
            for each in subscriptions_of(profile):
                if (time := _time_of(each, name, now)) is not None:
                    earliest = min(earliest, first_after(lengths, time, now))
            return earliest

        return find


def _on_terms(condition: SubscriptionIs, currency: str) -> Callable[[Profile, float], bool]:
    """(profile, now) → whether all is true of one subscription."""
    times = [(name, date.test()) for name in _TIMES if (date := getattr(condition, name)) is not None]
    said = condition.interval
    intervals = frozenset(map(spell_interval, (said,) if isinstance(said, str) else said or ()))
    seats, mrr, move, unit = condition.seats, condition.mrr, condition.moved, 10 ** exponent(currency)

    def holds_of(each: Subscription, now: float) -> bool:
        for name, test in times:
            if (time := _time_of(each, name, now)) is None or not test(time, now):
                return False
        if intervals and not (each.interval and each.interval[-1][1] in intervals):
            return False
        if seats is not None and ((held := latest_value(each.seats)) is None or not seats.includes(held)):
            return False
        if mrr is not None:
            money = latest_value(each.mrr)
            if money is None or not mrr.includes(money / unit):
                return False
        return move is None or moved(each) == move

    def holds(profile: Profile, now: float) -> bool:
        asked = lasting(profile) if condition.subscription == "active" else subscriptions_of(profile)
        return any(holds_of(each, now) for each in asked)

    return holds
