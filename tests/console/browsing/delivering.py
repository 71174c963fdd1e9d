"""A console of a plan with sinks, which were told something of everything: for tests and pictures of its page."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator

from plan import parse_plan
from streams.kafka.memory import MemoryLog
from streams.kafka.output import Row
from streams.kafka.topics import DELIVERIES
from streams.records.deliveries import (
    Attempt,
    Condition,
    Delivery,
    Entry,
    Letter,
    Reconciled,
    State,
    Waiting,
    encode_delivery,
    key_of,
)
from streams.settings import Settings
from streams.sinks.desk import DeliveryDesk
from tests.console.browsing.living import Living, aside, living
from tests.plans import BASE

__all__ = ["delivering"]

SINKS = """sinks:
  crm: {type: webhook, events: [alert.*, segment.*]}
  ads: {type: segment_style}
  care: {type: slack}
  gone: {type: webhook}
"""


def told(now: float) -> list[Delivery]:
    """Something in every state, of sinks that work, fail, are told nothing, and were compared or not."""
    found: list[Delivery] = []
    letters: list[tuple[str, State, str]] = [
            ("crm", "delivered", "ok"), ("ads", "delivered", "ok"), ("care", "again", "<b>rate_limited</b> " * 12),
            ("crm", "due", ""), ("gone", "dead", "no such hook"), ("crm", "dropped", ""), ("care", "trying", ""),
    ]  # fmt: skip
    for number, (sink, state, answer) in enumerate(letters):
        at = now - 600 + number
        entry = Entry(f"e{number}", "alert.opened", at, f"{number:022d}", f"a{number}")
        attempts = (
            [Attempt(at + one, 0.2, 200 if answer == "ok" else 500, answer) for one in range(5)] if answer else []
        )
        reason = "the sink refuses it" if state == "dead" else ""
        letter = Letter(
            sink, f"{entry.profile}:{sink}:a-long-id-that-a-receiver-knows-{number}", "single", [entry], at, number,
            state, now + 60, attempts, reason=reason,
        )  # fmt: skip
        found.append(letter)
    found += [
        Waiting("care", Entry("w", "alert.opened", now, "p", "w"), "joined", "g", now + 60, now),
        Condition("gone", now, "it answered 410: gone for good, and asked to be told nothing any more"),
        Condition("care", now, "", now - 7200),
        Reconciled("ads", now - 3600, now - 3590, 12_345, 21, 4, 17),
    ]
    return found


@contextlib.contextmanager
def delivering(now: float) -> Iterator[tuple[Living, MemoryLog]]:
    """The console, and the log that has what sinks were told by then, seconds since the epoch."""
    log = MemoryLog({DELIVERIES: 1})
    rows = [Row(DELIVERIES, 0, key_of(one), encode_delivery(one)) for one in told(now)]
    aside(lambda: asyncio.run(log.produce(rows)))  # the driver of a browser has a loop here
    plan = parse_plan(BASE.replace("alerts:\n", f"{SINKS}alerts:\n", 1), "plan.yaml", {})
    with living(plan=plan, deliveries=DeliveryDesk(log, log, Settings(topic_prefix=""))) as console:
        yield console, log
