"""Profiles by day: who is in which day, as of when, and that nobody who was erased comes back."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest

from analysis.archive.facts import FactsOf
from analysis.archive.folder import Folder
from analysis.archive.manifests import load
from analysis.archive.profile_rows import PROFILES, profile_row
from analysis.archive.reader import events
from models.durations import DAY
from plan import parse_plan
from profiles.documents import encode_profile
from profiles.identity.secrets import suppression
from profiles.types import (
    Affiliation,
    Company,
    Erase,
    Lift,
    Member,
    Merge,
    Opinion,
    Profile,
    Purchases,
    Score,
    Stay,
)
from streams.archive.gather import Gatherer, Memory
from streams.archive.manifest_log import ManifestLog
from streams.archive.profile_days import Snapped, snapshot
from streams.archive.write import write_flush
from streams.companies.erasing import unnaming
from streams.kafka.memory import MemoryLog
from streams.kafka.outbox import MARKER
from streams.kafka.output import Row
from streams.settings import Settings
from tests import REPOSITORY
from tests.build import T0, customer, event
from tests.plans import BASE

TEXT = (REPOSITORY / "plan" / "b2b.yaml").read_text().replace("timezone: UTC", "timezone: Europe/Amsterdam", 1)
PLAN = parse_plan(TEXT, "b2b.yaml", {})
ZONE = ZoneInfo("Europe/Amsterdam")
TOPIC = "profile.changes"
_TOKENS = itertools.count(16)


def at(day: int, hour: int = 12, minute: int = 0) -> float:
    """A local time in June 2026; the 1st is a Monday."""
    return datetime(2026, 6, day, hour, minute, tzinfo=ZONE).timestamp()


class Clock:
    def __init__(self) -> None:
        self.time = at(1)

    def now(self) -> float:
        return self.time


class World:
    """`profile.changes` in memory, and an archive of it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.clock = Clock()
        self.kafka = MemoryLog({TOPIC: 2}, self.clock)
        self.settings = Settings(archive=url)
        self.log = ManifestLog(Folder(url), "aaaaaaaa", self.clock.now, owner=True)
        self.log.start("profile.events", 1, read={0: (0, 0)})
        self.digest: Callable[[str], str] = lambda home: suppression(PLAN.pii_key, home)

    def change(self, time: float, *profiles: Profile | str) -> None:
        self.clock.time = time
        rows = []
        for profile in profiles:
            id_ = profile if isinstance(profile, str) else profile.id
            body = None if isinstance(profile, str) else encode_profile(profile)
            rows.append(Row(TOPIC, sum(id_.encode()) % 2, id_.encode(), body, []))
            rows.append(Row(TOPIC, sum(id_.encode()) % 2, MARKER, b"x", []))
        asyncio.run(self.kafka.produce(rows))

    def snap(self, now: float) -> Snapped:
        log = ManifestLog(Folder(self.url), f"{next(_TOKENS):08x}", self.clock.now)
        return asyncio.run(snapshot(log, self.kafka, self.settings, PLAN, now))

    def archive(self, *records: Any) -> None:
        """A flush of the archiver with these records."""
        gatherer = Gatherer(self.log.state, Memory(100), self.digest, lambda drops: unnaming(PLAN, drops))
        begin = self.log.state.read[0]
        gatherer.take(0, [(begin + n, record, 9) for n, record in enumerate(records)], begin + len(records))
        write_flush(self.log, gatherer.gathered, self.clock.time, FactsOf(PLAN), lambda drops: unnaming(PLAN, drops))

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect() as con:
            events(con, self.url)
            return con.sql(sql).fetchall()

    def days(self) -> dict[date, list[str]]:
        return dict(self.rows("SELECT day, list(customer ORDER BY customer) FROM profile_rows GROUP BY 1 ORDER BY 1"))


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(str(tmp_path / "archive"))


def profile(id_: str, stage: str = "active", **more: Any) -> Profile:
    return Profile(id_, created=at(1), updated=at(1), stage=stage, **more)


def test_a_row_says_how_a_customer_was(world: World) -> None:
    whole = profile(
        "ada",
        score=Score(0.25, "low", at(1), "m"),
        segments={"power_user": Stay(1.0), "admin": Stay(1.0)},
        traits={"country": ("NL", 1.0, b""), "birthday": ("1990-05-04", 1.0, b""), "plan": ("team", 1.0, b"")},
        purchases=Purchases(2, at(1) - 9e7, at(1), recent=[at(1) - 9e7, at(1)], amounts=[500, 700]),
        opinions={"csat": Opinion(1, 5.0, 5.0, at(1)), "nps": Opinion(2, 9.0, 5.0, at(1))},
        affiliation=Affiliation({"acme": Member(at(1), at(1), Profile(""))}),
    )
    world.change(at(1), whole)
    world.snap(at(2))

    named = "stage, risk, segments, country, birth_year, plan, company, orders, net_12m, satisfaction, day, until"
    assert world.rows(f"SELECT {named} FROM profiles") == [
        ("active", 0.25, ["admin", "power_user"], "NL", 1990, "team", "acme", 2, 700, 75.0, date(2026, 6, 1), None)
    ]
    (times,) = world.rows("SELECT epoch(first_purchase), epoch(last_purchase), margin_12m, health FROM profiles")
    assert times == (at(1) - 9e7, at(1), None, None)


def test_a_day_has_who_changed_on_it_and_a_monday_everybody(world: World) -> None:
    world.change(at(1), profile("ada"), profile("bob"))
    world.change(at(2, 23, 59), profile("ada", "loyal"))  # the 2nd, though in UTC the day before midnight, too
    world.change(at(3, 0, 1), profile("ada", "new"), profile("ada", "at risk"))
    assert world.snap(at(3, 9)).days == 2  # the 3rd is not over
    assert world.days() == {date(2026, 6, 1): ["ada", "bob"], date(2026, 6, 2): ["ada"]}
    world.change(at(8), profile("cyd"))
    done = world.snap(at(9))
    assert (done.days, done.profiles) == (2, 4)

    assert world.days()[date(2026, 6, 3)] == ["ada"]
    assert world.days()[date(2026, 6, 8)] == ["ada", "bob", "cyd"]
    assert world.snap(at(9)).days == 0  # nothing is written twice
    as_of = "SELECT customer, stage FROM profiles WHERE day <= '{0}' AND (until IS NULL OR '{0}' < until) ORDER BY 1"
    assert world.rows(as_of.format("2026-06-02")) == [("ada", "loyal"), ("bob", "active")]
    assert world.rows(as_of.format("2026-06-07")) == [("ada", "at risk"), ("bob", "active")]
    assert world.rows(as_of.format("2026-06-30")) == [("ada", "at risk"), ("bob", "active"), ("cyd", "active")]


def test_who_was_merged_away_is_nobody_of_their_own(world: World) -> None:
    world.change(at(1), profile("ada"), profile("bob"))
    world.change(at(2), Profile("bob", redirect="ada"))
    world.archive(Merge("bob", "ada", at(2), [], ("identity.links", 0, 1)))
    world.snap(at(3))

    assert world.rows("SELECT customer FROM profiles") == [("ada",)]


def test_companies_have_rows_of_their_own(world: World) -> None:
    acme = PLAN.company("acme")
    world.change(at(1), profile("ada"), profile(acme, company=Company("company", "acme")))
    world.snap(at(2))

    assert world.rows("SELECT customer, company FROM profiles") == [("ada", None)]
    assert world.rows("SELECT customer, company FROM company_profiles") == [(acme, "acme")]


@pytest.mark.parametrize("first", ["written", "erased"])
def test_who_is_erased_is_in_no_day_whichever_comes_first(world: World, first: str) -> None:
    world.change(at(1), profile("ada"), profile("bob"))
    if first == "written":
        world.snap(at(2))
    world.archive(Erase("ada", at(2), ("", 0, 0)))
    world.snap(at(2))

    assert world.days() == {date(2026, 6, 1): ["bob"]}
    for path in Path(world.url).rglob("*.parquet"):
        assert b"ada" not in path.read_bytes()
    world.archive(Lift("ada", at(3)))
    world.change(at(4), profile("ada"))
    world.snap(at(5))
    assert world.days() == {date(2026, 6, 1): ["bob"], date(2026, 6, 4): ["ada"]}


@pytest.mark.parametrize("first", ["written", "erased"])
def test_of_an_erased_company_its_people_keep_no_name(world: World, first: str) -> None:
    of_acme = profile("ada", affiliation=Affiliation({"acme": Member(at(1), at(1), Profile(""))}))
    world.change(at(1), of_acme)
    if first == "written":
        world.snap(at(2))
        assert world.rows("SELECT company FROM profiles") == [("acme",)]
    world.archive(Erase(PLAN.company("acme"), at(2), ("", 0, 0)))
    world.snap(at(2))

    assert world.rows("SELECT customer, company FROM profiles") == [("ada", None)]
    for path in Path(world.url).rglob("*.parquet"):
        assert b"acme" not in path.read_bytes()


def test_an_erasure_between_reading_and_writing_is_seen(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """And rows that come while an erasure is being written are looked through, too."""
    world.change(at(1), profile("ada"), profile("bob"))
    late = ManifestLog(Folder(world.url), "cccccccc", world.clock.now)
    commit, once = ManifestLog.snapshot, iter([True])

    def erased_meanwhile(self: ManifestLog, *given: Any) -> None:
        if next(once, False):
            world.archive(Erase("ada", at(2), ("", 0, 0)))
        commit(self, *given)

    monkeypatch.setattr(ManifestLog, "snapshot", erased_meanwhile)
    asyncio.run(snapshot(late, world.kafka, world.settings, PLAN, at(2)))
    assert world.days() == {date(2026, 6, 1): ["bob"]}

    world.change(at(2), profile("bob", "loyal"))
    flush, again = ManifestLog.flush, iter([True])

    def written_meanwhile(self: ManifestLog, **change: Any) -> None:
        if next(again, False):
            world.snap(at(3))
        flush(self, **change)

    monkeypatch.setattr(ManifestLog, "flush", written_meanwhile)
    world.archive(Erase("bob", at(3), ("", 0, 0)))
    assert world.days() == {}


def test_of_two_runs_at_once_one_counts(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.change(at(1), profile("ada"))
    commit, once = ManifestLog.snapshot, iter([True])

    def twice(self: ManifestLog, *given: Any) -> None:
        if next(once, False):
            world.snap(at(2))
        commit(self, *given)

    monkeypatch.setattr(ManifestLog, "snapshot", twice)
    assert world.snap(at(2)).days == 0
    assert world.days() == {date(2026, 6, 1): ["ada"]}
    assert len(list(Path(world.url).rglob("profiles/*/*.parquet"))) == 1


def test_a_profile_that_is_gone_without_a_trace_has_no_row_that_day(world: World) -> None:
    world.change(at(1), profile("ada"))
    world.change(at(1, 13), "ada")
    world.snap(at(2))

    assert world.days() == {}
    assert load(Folder(world.url)).snapshots == {0: 4, 1: 0}


def test_margin_is_by_what_the_plan_says_of_costs() -> None:
    """Of 200.00, of which 30.00 were paid back, goods were worth 60 %: 170.00 - 120.00. What is older is in no year."""
    plan = parse_plan(f"{BASE}\nanalyses: {{costs: {{margin: 0.4}}}}", "costs.yaml", {})
    shopper = customer(
        event("purchase", 1, amount=90_000, subject="old"),
        event("purchase", 400, amount=20_000, subject="A"),
        event("refund", 410, amount=3_000, subject="A"),
    )
    place = [PROFILES.get_field_index(name) for name in ("net_12m", "margin_12m")]
    for by, margin in ((plan, 5_000), (parse_plan(BASE, "none.yaml", {}), None)):
        row = profile_row(shopper, date(2026, 6, 1), T0 + 420 * DAY, (0, 0), by)
        assert [row[each] for each in place] == [17_000, margin]
