"""A simulated shop whose truth is known: 4,000 customers over 86 weeks unless asked for fewer, some 150 events each.

The same arguments give the same events. What moves the customers: `rules`; what came of it: `lives`; as events:
`telling`; what nobody who sees only the events could know better: `oracle`.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import orjson

from models.backtest.playback import Log
from models.durations import WEEK
from plan import Plan
from profiles.types import Event, profile_id
from streams.offline import Row, read_log
from tests.worlds.lives import Lives, Truth, live
from tests.worlds.oracle import Oracle
from tests.worlds.rules import SHOP, Rules
from tests.worlds.telling import START, tell

__all__ = ["CUSTOMERS", "WEEKS", "Shop", "shop"]

CUSTOMERS, WEEKS = 4000, 86


@dataclass(frozen=True)
class Shop:
    """The world of a seed."""

    lives: Lives
    seed: int

    @property
    def truth(self) -> Truth:
        """What nobody sees."""
        return self.lives.truth

    @cached_property
    def oracle(self) -> Oracle:
        """Who sees all events and knows all rules."""
        return Oracle(self.lives)

    def events(self) -> Iterator[dict[str, Any]]:
        """What `rapport send` takes as JSON lines, by customer."""
        for customer in range(len(self.truth.kind)):
            yield from tell(self.lives, customer, self.seed)

    def lines(self) -> Iterator[bytes]:
        """The same as JSON, in order of time."""
        yield from map(orjson.dumps, sorted(self.events(), key=operator.itemgetter("timestamp")))

    def log(self, plan: Plan) -> Log:
        """The log as the backtest plays it: through the steps of ingest.

        Raises:
            ValueError: the plan rejects an event, or finds something wrong with it.
        """
        end = START + self.lives.weeks * WEEK
        reading = read_log(self._rows(), plan, end + 8 * WEEK)
        if reading.rejected:
            raise ValueError(f"the plan rejects events of the shop: {reading.examples}")
        wrong = {violation for event in reading.records if isinstance(event, Event) for violation in event.violations}
        if wrong:
            raise ValueError(f"the plan finds fault with events of the shop: {wrong}")
        records = [record for record in reading.records if record.time < end]
        return Log(records, START - 1.0, end - 1.0)

    def _rows(self) -> Iterator[Row]:
        for line, event in enumerate(self.events()):
            source = event.pop("source")
            yield source, orjson.dumps(event), line

    def profiles(self, plan: Plan) -> Sequence[str]:
        """The profile of each customer."""
        return [profile_id(plan.namespace, identity) for identity in self._identities(plan)]

    def _identities(self, plan: Plan) -> Iterator[tuple[str, str]]:
        kinds = self.lives.rules.kinds
        accounts = {kind.name: kind.account for kind in kinds}
        for customer, kind in enumerate(self.truth.kind):
            event = {"userId": f"shop-{customer}"} if accounts[kind] else {"anonymousId": f"guest-{customer}"}
            yield plan.extract(event)[0]


def shop(customers: int = CUSTOMERS, weeks: int = WEEKS, seed: int = 1, rules: Rules = SHOP) -> Shop:
    """The shop of a seed."""
    return Shop(live(rules, customers, weeks, seed), seed)
