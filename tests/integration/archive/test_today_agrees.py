"""What is counted live of a day is what the analyses say of it over the archive, with workers killed meanwhile."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from analysis.engines.duck import Duck
from analysis.registry import analysis_named
from analysis.running import run
from console.views.analysing.today_document import CountersOfDay, TodayView, today_view
from profiles.calendar.local_time import LocalTime
from profiles.daily.counters import NOW
from profiles.store import Reader
from streams.settings import Settings
from tests.integration.rapport import PLAN, Rapport, order, recently, running
from tests.integration.rebuild.rebuilding import archive, until_quiet

ZONE = "Pacific/Auckland"
USERS = [f"u{number:02}" for number in range(24)]
DAYS = 3
HIGHEST = {"CSAT Answered": 5, "CES Answered": 7, "NPS Answered": 10}

Raw = dict[str, list[dict[str, Any]]]


def track(name: str, user: str, number: int, time_: str, **properties: Any) -> dict[str, Any]:
    """An event as an SDK would send it."""
    return {
        "type": "track", "event": name, "userId": user, "messageId": f"m{number}", "timestamp": time_,
        "properties": properties,
    }  # fmt: skip


def past() -> list[dict[str, Any]]:
    """Orders of the months before: some customers are loyal, others have gone, half have never ordered."""
    found = []
    for place, user in enumerate(USERS[:12]):
        for number in range(1 + place % 5):
            when = datetime.now(UTC) - timedelta(days=100 - 18 * number if place % 3 else 110 - number)
            found.append(order(user, number, when.isoformat()))
    return found


def lately(chance: random.Random, count: int) -> Raw:
    """What happens in some minutes: orders that are told twice, refunds, tickets, answers, late and repeated events."""
    told: Raw = {"web": [], "purchase": [], "support": []}
    ordered: list[tuple[str, str]] = []
    for number in range(count):
        user, when = chance.choice(USERS), recently(number, count)
        if chance.random() < 0.1:
            when = (datetime.now(UTC) - timedelta(hours=26)).isoformat()
        kind = chance.choice(("visit", "order", "refund", "ticket", "solved", "complaint", "answer", "answer"))
        if kind == "visit":
            anonymous = {"anonymousId": f"browser-of-{user}-{chance.randrange(3)}"}
            event = {"type": "page", "name": "Home", "messageId": f"m{number}", "timestamp": when, **anonymous}
            told["web"].append(event | ({"userId": user} if chance.random() < 0.4 else {}))
        elif kind == "order":
            bought = order(user, 1000 + number, when, chance.randrange(5, 200) / 2)
            told["purchase"] += [bought, {**bought, "messageId": f"again-{number}"}]
            ordered.append((user, bought["properties"]["order_id"]))
        elif kind == "refund" and ordered:
            user, number_ = ordered.pop(chance.randrange(len(ordered)))
            more = {"order_id": number_, "refund_id": f"r{number}", "total": 2.0, "currency": "EUR"}
            told["purchase"].append(track("Order Refunded", user, number, when, **more))
        elif kind == "ticket":
            told["support"].append(track("Ticket Opened", user, number, when, ticket_id=f"t{user}-{number % 7}"))
        elif kind == "solved":
            told["support"].append(track("Ticket Solved", user, number, when, ticket_id=f"t{user}-{number % 7}"))
        elif kind == "complaint":
            told["support"].append(track("Complaint Received", user, number, when))
        else:
            name = chance.choice(list(HIGHEST))
            told["support"].append(track(name, user, number, when, score=chance.randint(1, HIGHEST[name])))
    return {source: [*events, *chance.sample(events, len(events) // 5)] for source, events in told.items()}


@pytest.mark.slow
def test_what_is_counted_live_is_what_the_archive_says_of_the_day(
    make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    plan = tmp_path / "plan.yaml"
    plan.write_text(PLAN.read_text().replace("timezone: UTC", f"timezone: {ZONE}"))
    settings = make_settings(plan=plan, partitions=4).model_copy(update={"archive": str(tmp_path / "archive")})
    with running(settings, tmp_path, 2) as rapport:
        rapport.send("purchase", past())
        rapport.until(_has_orders(len({each["messageId"] for each in past()})), "the history")
        rapport.until_live()
        told = lately(random.Random(11), 260)
        for third in range(3):
            for source, events in told.items():
                rapport.send(source, events[third::3])
            time.sleep(1.0)
            rapport.kill(third)
            rapport.start()
        until_quiet(rapport)
        archive(rapport)
        live = _live(rapport)

    duck = Duck.open(settings.archive, rapport.plan)
    try:
        for day in live.days:
            assert _counted(day) == _archived(duck, day.day)
        assert sum(day.events for day in live.days) > 100, "there is something to compare"
        assert sum(day.orders for day in live.days) > 15
        assert live.open_tickets == sum(row["unsolved"] for row in _rows(duck, "tickets"))
        stages = {row["stage"]: row["customers"] for row in _rows(duck, "stages", interval="day")
                  if row["period"] == duck.frame.today}  # fmt: skip
        held = {stage: number for stage, number in live.stages.items() if number}
        assert len(held) >= 4
        risky = held.pop("at_risk", 0)
        if risky:  # the history of events knows no risks
            held = {**held, "kept": held.pop("active", 0) + held.pop("loyal", 0) + risky}
            stages = {**stages, "kept": stages.pop("active", 0) + stages.pop("loyal", 0)}
        assert held == stages
    finally:
        duck.close()


def _has_orders(count: int) -> Callable[[Reader], Any]:
    async def ask(reader: Reader) -> bool:
        found, _ = await reader.scan()
        return sum(profile.purchases.orders for profile in found) == count

    return ask


def _live(rapport: Rapport) -> TodayView:
    days, now = LocalTime(ZONE), time.time()
    newest = days.of(now)

    async def ask(reader: Reader) -> TodayView:
        *counted, held = await reader.counters([*range(newest, newest - DAYS, -1), NOW])
        return today_view(now, days, counted, held, "EUR", 5)

    return rapport.read(ask)


def _rows(duck: Duck, name: str, **asked: Any) -> list[dict[str, Any]]:
    analysis = analysis_named(name)
    return run(analysis, duck, analysis.parameters(**asked)).rows


def _archived(duck: Duck, day: date) -> dict[str, Any]:
    """What the analyses say of a day."""
    period = {"since": day, "until": day + timedelta(days=1)}
    daily = {**period, "interval": "day"}

    def only(name: str, **asked: Any) -> dict[str, Any]:
        return next(iter(_rows(duck, name, **period, **asked)), {})

    everything, money = only("trends", role="any", interval="day"), only("profit")
    answers = {row["kind"]: row for row in _rows(duck, "satisfaction", **daily)}
    return {
        "events": everything.get("events", 0),
        "customers": everything.get("customers", 0),
        "new_customers": only("base", interval="day").get("new", 0),
        "orders": only("trends", role="purchase", interval="day").get("events", 0),
        "revenue": money.get("revenue", 0) or 0,
        "refunds": money.get("refunded", 0) or 0,
        "tickets_opened": sum(row["opened"] for row in _rows(duck, "tickets", **daily)),
        "complaints": only("trends", role="complaint", interval="day").get("events", 0),
        "answers": {
            kind: (row["answers"], row["good"], row["bad"], row["mean"] and pytest.approx(row["mean"]))
            for kind, row in answers.items()
        },
    }


def _counted(day: CountersOfDay) -> dict[str, Any]:
    """The same of what was counted live."""
    same = ("events", "customers", "new_customers", "orders", "tickets_opened", "complaints")
    return {
        **{name: getattr(day, name) for name in same},
        "revenue": day.revenue.minor,
        "refunds": day.refunds.minor,
        "answers": {
            each.kind: (each.answers, each.satisfied, each.dissatisfied, each.mean)
            for each in day.answers
            if each.answers
        },
    }
