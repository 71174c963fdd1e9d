"""The counters of the latest days are what a plain count of all events gives, whatever becomes of customers."""

from __future__ import annotations

import asyncio
import copy
import random
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from models.durations import DAY
from plan import Plan
from profiles.calendar.local_time import LocalTime
from profiles.daily.counters import NOW
from profiles.daily.noting import BAD, GOOD
from profiles.doings import NOT_OF_THEIR_OWN
from profiles.types import Erase, Event, Merge
from tests.build import event
from tests.properties.test_told import CUSTOMERS, PLAN, Installation

pytestmark = pytest.mark.slow

ZONE = "America/St_Johns"
HERE = Plan(PLAN.file.model_copy(update={"timezone": ZONE}))
ROLES = ("visit", "view", "purchase", "refund", "ticket_opened", "ticket_solved", "ticket_reopened", "complaint",
         "csat", "ces", "review", "nps", "contact_made", "")  # fmt: skip
DAYS = 9
HIGHEST = {"csat": 5, "ces": 7, "review": 5, "nps": 10}

LOCAL = LocalTime(ZONE)


def something(chance: random.Random, number: int, day: float, customer: str) -> Event:
    """An event of any kind, of which some speak of one order or ticket."""
    role, about = chance.choice(ROLES), f"{customer}-{chance.randrange(6)}"
    if role == "purchase":  # whoever tells of an order tells the same of it, within the hour
        amount = 500 + 100 * int(about[-1])
        return event(
            role, day // 1 + 0.3, profile=customer, id=f"e{number}", amount=amount, subject=f"o{about}-{day:.0f}"
        )
    if role == "refund":
        more = {"amount": 300, "refund": f"r{number}", "subject": f"none{number}"}
        return event(role, day, profile=customer, id=f"e{number}", **more)
    if role.startswith("ticket"):
        return event(role, day, profile=customer, id=f"e{number}", subject=f"t{about}")
    rating = float(chance.randint(1, HIGHEST[role])) if role in HIGHEST else None
    return event(role, day, profile=customer, id=f"e{number}", rating=rating)


def counted(events: Iterable[Event], owners: dict[str, str], latest: int) -> tuple[dict[int, Counter[str]], int]:
    """What the counters of the latest days must be, and how many tickets are open."""
    by_day: defaultdict[int, Counter[str]] = defaultdict(Counter)
    theirs: defaultdict[str, list[Event]] = defaultdict(list)
    for one in events:
        theirs[owners.get(one.profile, one.profile)].append(one)
    still_open = 0
    for mine in theirs.values():
        mine.sort(key=lambda one: (one.time, one.id))
        active, newest = set[int](), dict[int, float]()
        for one in mine:
            day = datetime.fromtimestamp(one.time, ZoneInfo(ZONE)).toordinal() - 719_163
            if one.role in NOT_OF_THEIR_OWN:
                continue
            active.add(day)
            by_day[day]["events"] += 1
            by_day[day]["complaints"] += one.role == "complaint"
            if one.role == "nps":
                newest[day] = one.rating or 0.0
            elif one.role in HIGHEST:
                answered(by_day[day], one.role, one.rating or 0.0)
        for day, mark in newest.items():
            answered(by_day[day], "nps", mark)
        for day in active:
            by_day[day]["customers"] += 1
        orders = {one.subject: one for one in reversed(mine) if one.role == "purchase"}
        for order in orders.values():
            by_day[LOCAL.of(order.time)].update(orders=1, revenue=order.amount)
        if orders:
            by_day[LOCAL.of(min(one.time for one in orders.values()))]["new_customers"] += 1
        for one in mine:
            by_day[LOCAL.of(one.time)]["refunds"] += one.amount if one.role == "refund" else 0
        still_open += tickets(mine, by_day)
    return {day: +by_day[day] for day in range(latest - 2, latest + 1)}, still_open


def answered(counts: Counter[str], kind: str, mark: float) -> None:
    counts.update({f"{kind}_answers": 1, f"{kind}_marks": int(mark * 1000)})
    counts[f"{kind}_good"] += mark >= GOOD[kind]
    counts[f"{kind}_bad"] += mark <= BAD[kind]


def tickets(mine: list[Event], by_day: dict[int, Counter[str]]) -> int:
    """Count those of a customer; how many are open."""
    still_open = 0
    for subject in {one.subject for one in mine if one.role == "ticket_opened"}:
        times = {one.role: one.time for one in mine if one.subject == subject}  # the latest of each
        by_day[LOCAL.of(times["ticket_opened"])]["tickets_opened"] += 1
        solved = times.get("ticket_solved", 0.0)
        if max(times["ticket_opened"], times.get("ticket_reopened", 0.0)) > solved:
            still_open += 1
        else:
            by_day[LOCAL.of(solved)]["tickets_solved"] += 1
    return still_open


async def days_of(chance: random.Random) -> tuple[Installation, list[Event], dict[str, str]]:
    """Some days of some customers: events, late ones, repeats, merges, splits, somebody erased, a store set back."""
    one = Installation(chance, partitions=2, plan=HERE)
    events: dict[str, Event] = {}
    owners: dict[str, str] = {}
    gone = set[str]()
    number = 0
    before = copy.deepcopy(one.store._partitions)
    for day in range(DAYS):
        one.clock.advance(DAY)
        for _ in range(chance.randrange(5, 30)):
            number += 1
            when = day + 0.99 - chance.choice((chance.random(), 0.0, 2 * chance.random())) if day > 1 else day + 0.5
            customer = chance.choice([each for each in CUSTOMERS if each not in gone])
            happened = something(chance, number, when, customer)
            events[happened.id] = happened
            again = [events[chance.choice(sorted(events))]] if chance.random() < 0.3 else []
            await one.happen(happened, *again)
        if day == 3:
            await one.happen(Merge("c3", "c4", one.clock.now(), [("user_id", "c3")]))
            owners["c3"] = "c4"
        if day == 5:
            await one.happen(Merge("c4", "c5", one.clock.now(), [("user_id", "c4")]))
            owners |= {"c3": "c5", "c4": "c5"}
        if day == 6 and chance.random() < 0.5:
            await one.work()
            parts = {"c5": ["c5", "c4"], "c3": ["c3"]}
            of = {home: [each for each in events.values() if each.profile == home] for home in ("c3", "c4", "c5")}
            await one.part("split", "c5", parts, of)
            del owners["c3"]
            before = copy.deepcopy(one.store._partitions)  # what was computed for it is of where its homes were then
        if day == 7:
            gone.add("c7")
            await one.happen(Erase("c7", one.clock.now()))
        await one.work()
        if chance.random() < 0.3:
            one.set_back(before, dies=chance.random() < 0.5)
            await one.work()
        elif chance.random() < 0.5:
            before = copy.deepcopy(one.store._partitions)
    await one.work()
    return one, [each for each in events.values() if each.profile not in gone], owners


@settings(max_examples=25, deadline=None, derandomize=True, phases=[Phase.generate])
@given(seed=st.integers(0, 2**32))
def test_counters_are_a_plain_count_of_all_events(seed: int) -> None:
    async def lived() -> tuple[Any, ...]:
        one, events, owners = await days_of(random.Random(seed))
        latest = LOCAL.of(one.clock.now())
        wanted, still_open = counted(events, owners, latest)
        days = list(wanted)
        found = dict(zip(days, await one.store.counters(days), strict=True))
        return wanted, found, still_open, (await one.store.counters([NOW]))[0], await one.profiles()

    wanted, found, still_open, now, profiles = asyncio.run(lived())

    assert {day: {name: number for name, number in each.items() if number} for day, each in found.items()} == wanted
    assert any(each["events"] for each in wanted.values())
    assert now.get("open_tickets", 0) == still_open
    stages = Counter(f"stage_{one.stage}" for one in profiles.values() if not one.roles.keys() <= set(NOT_OF_THEIR_OWN))
    assert {name: number for name, number in now.items() if name.startswith("stage_") and number} == stages
