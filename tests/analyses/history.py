"""A year of three hundred customers with every role and every fact: what any analysis can be run on. Seeded."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa

from analysis.archive.columns import EVENTS, LINKS
from analysis.archive.folder import Folder
from analysis.archive.manifests import File
from analysis.archive.profile_rows import PROFILES
from analysis.engines.duck import Duck
from streams.archive.manifest_log import ManifestLog
from tests.analysed import archived, happened, whole

__all__ = ["BEGINS", "ENDS", "history", "profiles", "world", "written"]

BEGINS = datetime(2025, 1, 6, 8, tzinfo=UTC)
ENDS = datetime(2026, 2, 18, 15, 30, tzinfo=UTC)

_PRODUCTS = {
    "tea": ("drinks", 900, 400), "coffee": ("drinks", 1400, 700), "mug": ("kitchen", 1200, 500),
    "pan": ("kitchen", 4900, 2600), "book": ("reading", 1800, 1100), "lamp": ("home", 3900, 2000),
}  # fmt: skip
_CAMPAIGNS = (("newsletter", "email"), ("spring", "cpc"), ("", ""))
_DEVICES = (("phone", "iOS", "Safari"), ("phone", "Android", "Chrome"), ("desktop", "Windows", "Edge"))
_COUNTRIES = {"NL": ("Utrecht", "Holland"), "BE": ("Antwerp", "Ghent"), "DE": ("Bavaria",)}
_LINKS = {"c3": "c4", "c9": "c10"}


def world(customers: int = 300, seed: int = 16) -> Duck:
    """An engine over this history."""
    return archived(
        history(customers, seed), until=ENDS, zone="Europe/Amsterdam", links=_LINKS,
        profiles=profiles(customers, seed),
    )  # fmt: skip


def written(folder: Path, customers: int = 300, seed: int = 16) -> None:
    """This history as an archive of files, for engines that read those."""
    log = ManifestLog(Folder(str(folder)), "made", ENDS.timestamp)
    log.start("profile.events", 1)
    events = whole([*history(customers, seed), {"home": "nobody", "role": "", "time": ENDS, "received": ENDS}])
    links = [
        {"kind": "merge", "home": home, "profile": profile, "time": ENDS, "split": "", "origin_offset": 0,
         "log_partition": 0, "log_offset": len(events) + number}
        for number, (home, profile) in enumerate(_LINKS.items())
    ]  # fmt: skip
    days = [
        {"kind": "customer", "changed": ENDS, "log_partition": 0, "log_offset": number, **row}
        for number, row in enumerate(profiles(customers, seed))
    ]
    log.flush(
        add=[*_files(log, "events", EVENTS, events, "time"), *_files(log, "links", LINKS, links, "time")],
        read={0: (0, len(events) + len(links))},
    )
    log.snapshot(_files(log, "profiles", PROFILES, days, "day"), {0: (0, len(days))})


def _files(log: ManifestLog, table: str, schema: pa.Schema, rows: Sequence[Mapping[str, Any]], when: str) -> list[File]:
    """A file for each day."""
    days = defaultdict(list)
    for row in rows:
        days[str(row[when])[:10]].append(row)
    added = []
    for day, found in sorted(days.items()):
        path = log.name(table, day)
        size = log.folder.write_table(path, pa.Table.from_pylist(found, schema=schema))
        added.append(File(path, table, day, len(found), size, log.state.number + 1))
    return added


def history(customers: int = 300, seed: int = 16) -> list[dict[str, Any]]:
    """Its rows, in the order of their times."""
    dice = Random(seed)
    rows = [row for number in range(customers) for row in _life(dice, number)]
    rows.sort(key=lambda row: (row["time"], row["home"], row["role"]))
    return [row for row in rows if row["time"] < ENDS]


def profiles(customers: int = 300, seed: int = 16) -> list[dict[str, Any]]:
    """Customers by day: each as they were found once a month or so, some in a segment for long, some for short."""
    dice = Random(seed + 1)
    rows = []
    for number in range(customers):
        day = BEGINS.date() + timedelta(days=dice.randrange(300))
        often = dice.random()
        while day < ENDS.date():
            segments = [name for name, most in (("big", often), ("app_user", 0.4), ("unhappy", 0.1))
                        if dice.random() < most]  # fmt: skip
            rows.append({
                "customer": f"c{number}", "day": day, "stage": dice.choice(("prospect", "new", "active", "churned")),
                "risk": None if often < 0.2 else round(dice.random(), 3), "segments": segments, "orders": 1,
                "net_12m": dice.randrange(20_000), "satisfaction": None,
            })  # fmt: skip
            day += timedelta(days=dice.randrange(1, 60))
    return rows


def _life(dice: Random, number: int) -> Iterator[dict[str, Any]]:
    who = f"c{number}"
    begins = BEGINS + (ENDS - BEGINS) * dice.random() * 0.95
    country = dice.choice(list(_COUNTRIES))
    traits = {"country": country, "region": dice.choice(_COUNTRIES[country]), "plan": dice.choice(("free", "pro"))}
    company = f"company-{number % 20}" if number % 4 == 0 else None
    common = {"company": company, "locale": f"{country.lower()}-{country}"}
    yield happened(
        who, "signup", begins, traits=json.dumps(traits), consent_analytics=number % 50 != 7,
        source="web", channel="web", **common,
    )  # fmt: skip
    if dice.random() < 0.25:
        yield from _subscribed(dice, who, begins, common)
    time = begins
    for nth in range(int(dice.expovariate(1 / 4)) + (number % 3 > 0)):
        time += timedelta(hours=dice.uniform(2, 24 * 50))
        yield from _visited(dice, who, time, common)
        if dice.random() < 0.6:
            yield from _bought(dice, who, time + timedelta(minutes=dice.uniform(3, 50)), f"{who}-{nth}", common)
    for _ in range(dice.choice((0, 1, 2))):
        yield from _contacted(dice, who, begins + timedelta(days=dice.uniform(1, 200)), common)


def _visited(dice: Random, who: str, time: datetime, common: dict[str, Any]) -> Iterator[dict[str, Any]]:
    device, system, browser = dice.choice(_DEVICES)
    campaign, medium = dice.choice(_CAMPAIGNS)
    where = {
        **common, "source": "web", "channel": dice.choice(("web", "app")), "device": device, "os": system,
        "browser": browser,
    }  # fmt: skip
    yield happened(
        who, "visit", time, utm_source="mail" if medium == "email" else "search" if campaign else None,
        utm_medium=medium or None, utm_campaign=campaign or None,
        referrer=dice.choice((None, "https://search.example/")), **where,
    )  # fmt: skip
    product = dice.choice(list(_PRODUCTS))
    category = _PRODUCTS[product][0]
    if dice.random() < 0.3:
        yield happened(
            who, "search", time + timedelta(minutes=1), text=dice.choice(("tea", "blue mug", "kettle")),
            results=dice.choice((0, 0, 3, 12)), **where,
        )  # fmt: skip
    yield happened(
        who, "view", time + timedelta(minutes=2), product=product, category=category,
        in_stock=dice.random() < 0.85, **where,
    )  # fmt: skip
    if dice.random() < 0.2:
        yield happened(
            who, "feature_use", time + timedelta(minutes=2, seconds=5), feature=dice.choice(("list", "gift")), **where
        )


def _bought(dice: Random, who: str, time: datetime, order: str, common: dict[str, Any]) -> Iterator[dict[str, Any]]:
    chosen = dice.sample(list(_PRODUCTS), dice.choice((1, 1, 2, 3)))
    items = [
        {"product": name, "category": _PRODUCTS[name][0], "quantity": float(dice.choice((1, 1, 2))),
         "price": _PRODUCTS[name][1], "cost": _PRODUCTS[name][2]}
        for name in chosen
    ]  # fmt: skip
    amount = sum(int(item["price"] * item["quantity"]) for item in items)
    facts = {**common, "category": items[0]["category"], "items": items, "channel": dice.choice(("web", "app"))}
    yield happened(who, "cart", time, **facts)
    yield happened(who, "checkout", time + timedelta(minutes=1), subject=order, **facts)
    yield happened(
        who, "purchase", time + timedelta(minutes=4), amount=amount, subject=order, shipping=495, discount=0,
        cost=sum(int(item["cost"] * item["quantity"]) for item in items),
        quantity=sum(item["quantity"] for item in items), **facts,
    )  # fmt: skip
    yield happened(who, "payment", time + timedelta(days=dice.choice((0, 3, 14))), amount=amount, subject=order)
    if dice.random() < 0.15:
        back = amount if dice.random() < 0.6 else amount // 2
        yield happened(
            who, "refund", time + timedelta(days=dice.uniform(2, 25)), amount=back, subject=order, items=items[:1],
            reason=dice.choice(("damaged", "too small", None)),
        )  # fmt: skip
    if dice.random() < 0.35:
        role, marks = dice.choice((("csat", 5), ("nps", 10), ("ces", 7), ("review", 5)))
        yield happened(
            who, "survey_asked", time + timedelta(days=5), subject=order, department="service",
            product=chosen[0], category=items[0]["category"],
        )  # fmt: skip
        yield happened(
            who, role, time + timedelta(days=6), rating=float(dice.randint(0 if role == "nps" else 1, marks)),
            subject=order, product=chosen[0], category=items[0]["category"], agent=dice.choice(("kim", "lee")),
            department="service", text=dice.choice(("Very good", "Came late and broken", None)), language="en",
        )  # fmt: skip
    if dice.random() < 0.2:
        yield from _asked(dice, who, time + timedelta(days=dice.uniform(1, 9)), f"t-{order}", chosen[0])


def _asked(dice: Random, who: str, time: datetime, ticket: str, product: str) -> Iterator[dict[str, Any]]:
    about = {
        "subject": ticket, "product": product, "category": _PRODUCTS[product][0],
        "channel": dice.choice(("mail", "chat")),
        "department": dice.choice(("service", "sales")), "agent": dice.choice(("kim", "lee")),
        "topic": dice.choice(("delivery", "quality", "invoice")),
    }  # fmt: skip
    yield happened(who, "ticket_opened", time, **about)
    if dice.random() < 0.4:
        why = dice.choice(("late", "broken"))
        yield happened(who, "complaint", time, reason=why, **{**about, "subject": f"k-{ticket}"})
    if dice.random() < 0.3:
        yield happened(who, "inquiry", time - timedelta(days=1), **{**about, "subject": f"i-{ticket}"})
    yield happened(who, "ticket_replied", time + timedelta(hours=dice.uniform(0.2, 30)), **about)
    if dice.random() < 0.8:
        solved = time + timedelta(hours=dice.uniform(31, 200))
        yield happened(who, "ticket_solved", solved, resolution=dice.choice(("answered", "refused")), **about)
        if dice.random() < 0.2:
            yield happened(who, "ticket_reopened", solved + timedelta(days=2), **about)


def _contacted(dice: Random, who: str, time: datetime, common: dict[str, Any]) -> Iterator[dict[str, Any]]:
    campaign = dice.choice(("newsletter", "spring"))
    about = {**common, "subject": f"m-{campaign}", "utm_campaign": campaign, "channel": "mail",
             "department": dice.choice(("marketing", "sales"))}  # fmt: skip
    yield happened(who, "contact_made", time, **about)
    if dice.random() < 0.6:
        yield happened(who, "contact_opened", time + timedelta(hours=3), **about)
        if dice.random() < 0.5:
            yield happened(who, "contact_clicked", time + timedelta(hours=3, minutes=1), **about)
    if dice.random() < 0.05:
        yield happened(who, "unsubscribe", time + timedelta(hours=4), **about)


def _subscribed(dice: Random, who: str, time: datetime, common: dict[str, Any]) -> Iterator[dict[str, Any]]:
    seats = dice.choice((1, 3, 10))
    terms = {**common, "subject": f"s-{who}", "plan": "pro", "interval": "month"}
    yield happened(
        who, "subscription_start", time, mrr=1900 * seats, seats=seats, starts=time, amount=1900 * seats, **terms
    )
    end = time + timedelta(days=dice.uniform(40, 500))
    if dice.random() < 0.4:
        seats += dice.choice((-1, 2)) if seats > 1 else 2
        yield happened(who, "subscription_change", time + (end - time) / 2, mrr=1900 * seats, seats=seats, **terms)
    if dice.random() < 0.6:
        yield happened(
            who, "subscription_cancel", end, reason=dice.choice(("price", "too little used", None)), ends=end, **terms
        )
