"""`subscription`: whether one lasts, each by itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from models.conditions.kind import Kind
from models.conditions.writer import Writer
from models.features.readers import subscription_state

__all__ = ["SubscriptionIs"]


class SubscriptionIs(Kind):
    """`active`: at least one was started and not ended since. `ended`: there were some, and none lasts."""

    key = "subscription"
    examples = ("{subscription: active}", "{subscription: ended}")

    subscription: Literal["active", "ended"]

    def roles(self) -> Sequence[str]:
        return ("subscription_start",) if self.subscription == "active" else ("subscription_cancel",)

    def write(self, writer: Writer, margin: float, slack: int) -> str:
        known = "(p.subscriptions or 'subscription_start' in roles or 'subscription_cancel' in roles)"
        return f"({known} and {writer.bind(subscription_state)}(p) == {writer.bind(self.subscription)})"

    def in_words(self) -> str:
        return "with a subscription" if self.subscription == "active" else "with no subscription left"
