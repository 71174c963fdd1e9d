"""Shares on their way: from customers to companies, and through the cells of a large one."""

from __future__ import annotations

import asyncio
import dataclasses
from collections import deque
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import msgspec
import orjson
import pytest

from analysis.archive.columns import Placed, events_in, to_table
from models.churn.panel import Panel
from models.companies.labels import COMPANIES, SIGNALS
from models.companies.scorecard import BY_HAND, Scorecard, meaning_of
from models.companies.signals import ground_of
from models.companies.words import BY_RULES
from models.durations import DAY
from models.labels.examples import Example, Of, TrainingRecord
from models.population.snapshot import PopulationSnapshot
from plan import Plan, parse_plan
from profiles.companies.counting import part_of_cell, parts_of
from profiles.companies.sharing import CELLS, Companies, told
from profiles.consent import Consent
from profiles.state import Limits
from profiles.store import Loaded
from profiles.types import (
    Absorb,
    Erase,
    Event,
    Grouping,
    Identity,
    Join,
    Merge,
    Profile,
    Record,
    Share,
    Snapshot,
    Split,
    is_cell,
)
from streams.companies.shares import hear
from streams.kafka.topics import PROFILE_EVENTS, TOLD, TRAINING_EXAMPLES
from streams.pipeline import ingest_pipeline, profile_pipeline
from streams.records.happened import read_record
from streams.settings import Settings
from streams.steps.identify import NOBODY
from streams.steps.intake import Intake
from streams.steps.update import update
from streams.steps.work import Work
from tests.build import T0, event, record

WHOLE = 4
KINDS = Companies(
    "company", lambda key: f"~{key}", lambda key, number: f"~~{key} {number}", Consent(), Limits(), "EUR", whole=WHOLE
)
LIMITS = dataclasses.replace(Limits(), companies=KINDS)
STEP = update("EUR", LIMITS)
decode = msgspec.msgpack.Decoder(TrainingRecord).decode


def run(*records: Record, profiles: dict[str, Profile] | None = None, batch: int = 3) -> dict[str, Profile]:
    """All documents once nothing is on its way any more; `batch` records are worked on together."""
    held = {} if profiles is None else profiles
    waiting = deque(records)
    for offset in range(0, 10_000, batch):
        if not waiting:
            return held
        some = [waiting.popleft() for _ in range(min(batch, len(waiting)))]
        for number, one in enumerate(some):
            one.origin = ("profile.events", 0, (offset + number) << 16)
        work = Work(0, Loaded(profiles=held), 1)
        work.begin(0.0, some)
        STEP(work)
        assert not any(is_cell(profile.id) for profile in work.live())
        waiting += (read_record(output.value) for output in work.outputs)
    raise AssertionError("it does not come to rest")


def visits(members: int, days: range = range(3)) -> list[Event]:
    return [
        event("visit", day, profile=f"m{number}", id=f"{number} {day}", group=Grouping("acme"))
        for day in days
        for number in range(members)
    ]


def test_a_company_is_told_once_a_batch_and_of_nothing_that_is_as_it_was() -> None:
    """Whatever the number of a customer's events in it."""
    work = Work(0, Loaded(), 1)
    work.begin(0.0, [*visits(1), event("login", 9, profile="else")])
    STEP(work)
    shares = [read_record(output.value) for output in work.outputs]

    assert [(type(share), share.profile) for share in shares] == [(Share, "~acme")]
    repeat = Work(0, Loaded(profiles=work.profiles), 1)
    repeat.begin(0.0, visits(1))
    STEP(repeat)
    assert repeat.outputs == []


def test_a_large_company_comes_to_the_same_as_a_small_one() -> None:
    """Divided while its members come, and whichever come together; what is written for one of them stays small."""
    for batch in (1, 3, 50):
        held = run(*visits(40), batch=batch)
        company = held["~acme"]

        assert company.company is not None
        assert company.company.divided
        assert company.roles["visit"].count == company.activity["web"].count == 120
        cells = [profile for id_, profile in held.items() if is_cell(id_)]
        assert len(cells) <= CELLS
        assert sum(len(parts_of(cell)) for cell in cells) == 40
        assert set(company.company.shares) == {cell.id for cell in cells}
    small = run(*visits(WHOLE))["~acme"]
    assert small.company is not None
    assert (small.company.divided, len(small.company.shares)) == (False, WHOLE)


def step(held: dict[str, Profile], *records: Record) -> list[Share]:
    """What one batch sends on."""
    for number, one in enumerate(records):
        one.origin = ("profile.events", 0, number << 16)
    work = Work(0, Loaded(profiles=held), 1)
    work.begin(0.0, records)
    STEP(work)
    return [one for output in work.outputs if isinstance(one := read_record(output.value), Share)]


def test_nobody_is_missing_while_a_company_is_divided() -> None:
    """A cell takes over only the members of whom it has heard; who is erased meanwhile comes back by no cell."""
    members = [f"m{number}" for number in range(999) if KINDS.cell_of("acme", f"m{number}") == KINDS.cells("acme")[0]]
    held: dict[str, Profile] = {}
    shares = step(held, *(event("visit", 1, profile=m, id=m, group=Grouping("acme")) for m in members[: WHOLE + 1]))
    passed = step(held, *shares)
    assert len(passed) == held["~acme"].roles["visit"].count == WHOLE + 1

    told = step(held, passed[0])
    step(held, *told)
    assert held["~acme"].roles["visit"].count == WHOLE + 1
    run(*passed[1:], Erase(members[1], 9.0), profiles=held)
    assert held["~acme"].roles["visit"].count == WHOLE
    assert held["~acme"].company is not None
    assert set(held["~acme"].company.shares) == {KINDS.cells("acme")[0]}


def test_a_company_that_begins_anew_with_the_share_of_a_cell_is_divided() -> None:
    """It was removed with its last known member while the cell's share was on its way; nobody counts twice."""
    held = run(*visits(20))

    def visit(day: int) -> Event:
        return event("visit", day, profile="m0", id=f"again {day}", group=Grouping("acme"))

    def share_again() -> list[Share]:
        cells = [profile for id_, profile in held.items() if is_cell(id_)]
        return [Share("~acme", "acme", cell.id, 9.0, told(part_of_cell(cell))[0]) for cell in cells]

    del held["~acme"]
    run(*share_again(), visit(8), profiles=held)
    assert held["~acme"].roles["visit"].count == 20 * 3 + 1
    del held["~acme"]
    run(visit(9), profiles=held)
    run(*share_again(), profiles=held)
    assert held["~acme"].roles["visit"].count == 20 * 3 + 2


@pytest.mark.parametrize("bound", [{"most": 2}, {"room": 600}])
def test_a_company_keeps_no_more_members_than_there_is_room_for(bound: dict[str, int]) -> None:
    """Those who came first stay, also as they change; one who leaves makes room."""
    kinds = Companies("company", str, lambda key, number: f"~~{key} {number}", Consent(), Limits(), "EUR", **bound)
    cell, work = Profile(kinds.cells("acme")[0]), Work(0, Loaded(), 1)

    def tell(member: str, size: int) -> dict[str, int]:
        hear(work, cell, Share(cell.id, "acme", member, 0.0, b"." * size), kinds)
        assert cell.company is not None
        return {id_: len(state) for id_, state in cell.company.shares.items()}

    tell("a", 200)
    assert tell("b", 200) == tell("c", 201) == {"a": 200, "b": 200}
    assert tell("a", 300) == {"a": 300, "b": 200}
    tell("b", 0)
    assert tell("c", 201) == {"a": 300, "c": 201}
    assert tell("a", 400) == {"a": 300 if "room" in bound else 400, "c": 201}
    assert work.outcomes["beyond"] == (2 if "room" in bound else 1)


def test_a_cell_without_room_shares_nothing_anew() -> None:
    """What is refused costs no counting, and changes no document."""
    held = run(*visits(20))
    cell = next(profile for id_, profile in held.items() if is_cell(id_))
    beyond = Share(cell.id, "acme", "huge", 0.0, b"." * (5 * 1024 * 1024))

    assert step(held, beyond) == []
    assert "huge" not in parts_of(cell)


def merged(held: dict[str, Profile], loser: str, winner: str, *others: Record) -> list[int]:
    """The visits of a company after each batch of one record, from a merge on until all is at rest."""
    counts = []
    waiting: deque[Record] = deque([Merge(loser, winner, 9.0, []), *others])
    for offset in range(100, 200):
        if not waiting:
            break
        one = waiting.popleft()
        one.origin = ("profile.events", 0, offset << 16)
        work = Work(0, Loaded(profiles=held), 1)
        work.begin(0.0, [one])
        STEP(work)
        waiting += (read_record(output.value) for output in work.outputs)
        counts.append(held["~acme"].roles["visit"].count if "~acme" in held else 0)
    return counts


def test_a_merge_takes_nothing_from_a_company_at_any_moment() -> None:
    """Neither the only member's, nor one of several: the winner's share comes in the place of the loser's."""
    for members in (1, 2):
        held = run(*visits(members))
        assert set(merged(held, "m0", "new")) == {3 * members}
        held = run(*visits(members), event("visit", 7, profile="new", id="n", group=Grouping("acme")))
        assert set(merged(held, "m0", "new")) == {3 * members + 1}
        assert held["~acme"].company is not None
        assert set(held["~acme"].company.shares) == {"new", "m1"} - ({"m1"} if members == 1 else set())
    held = run(*visits(20))
    assert min(merged(held, "m0", "new")) == 60
    assert held["~acme"].roles["visit"].count == 60


def test_a_share_that_the_winners_overtakes_does_not_stay() -> None:
    """They come by different partitions; only the loser's own knows what it has told."""
    held = run(*visits(2))
    late = Share("~acme", "acme", "m0", 9.0, told(parts_of(held["~acme"])["m0"])[0])
    absorb = step(held, Merge("m0", "new", 9.0, []))
    assert absorb == []
    state = msgspec.msgpack.encode(run(*visits(1))["m0"])
    sent = step(held, Absorb("new", "m0", 9.0, state))
    ours = [share for share in sent if share.profile == "~acme"]
    theirs = [share for share in sent if share.profile == "m0"]
    run(*ours, late, *theirs, profiles=held)

    assert held["~acme"].roles["visit"].count == 6


def test_who_is_merged_into_an_erased_customer_leaves_the_company() -> None:
    held = run(*visits(2), Erase("m1", 9.0))
    merged(held, "m0", "m1")

    assert [id_ for id_ in held if id_.startswith("~")] == []


def test_a_split_takes_nothing_from_a_company_until_it_is_computed() -> None:
    """What was told before stays till then; companies of which nothing is left are let go."""
    bolt = event("visit", 9, profile="m0", id="b", group=Grouping("bolt"))
    held = run(*visits(1), bolt)
    after = event("visit", 8, profile="m0", id="later", group=Grouping("acme"))
    run(Split("m0", "reset", "s1", "m0", 9.0, {"m0": "m0"}, {"m0": []}), after, profiles=held)
    assert (held["~acme"].roles["visit"].count, held["~bolt"].roles["visit"].count) == (3, 1)

    state = msgspec.msgpack.encode(run(*visits(1, range(1, 3)))["m0"])
    run(Absorb("m0", "s1:m0", 9.0, state, split="s1"), profiles=held)
    assert held["~acme"].roles["visit"].count == 2 + 1
    assert held["~bolt"].company is not None
    assert held["~bolt"].company.shares == {}


def test_erased_members_leave_a_company_and_the_last_one_takes_it_along() -> None:
    """Divided or not, with all that was kept of it."""
    for members in (2, 20):
        held = run(*visits(members))
        run(Erase("m0", 99.0), profiles=held)
        assert held["~acme"].roles["visit"].count == 3 * (members - 1)
        assert b"m0" not in msgspec.msgpack.encode(held["~acme"].timeline)

        run(*(Erase(f"m{number}", 99.0) for number in range(1, members)), profiles=held)
        assert [id_ for id_ in held if id_.startswith("~")] == []


PLAN = """\
name: Business
version: 1
sources:
  web: {description: Page, write_key: key-of-web, public: true}
  shop: {description: Server, write_key: key-of-shop, public: false}
identities:
  - {type: user_id, priority: 1, limit: 1, fields: [userId]}
traits:
  country: {type: string, description: d}
groups:
  company:
    traits:
      tier: {type: string, enum: [free, team], description: d}
events:
  - {type: page, sources: [web, shop], owner: o, description: d, why: w, role: visit}
  - {type: group, sources: [web, shop], owner: o, description: d, why: w, enforce: drop_property}
  - {name: Member Left, sources: [web, shop], owner: o, description: d, why: w, member: left}
segments:
  - {name: busy, grain: company, when: {count: visit, within: 7d, at_least: 3}}
  - {name: teams, grain: company, when: {trait: tier, is: team}}
  - {name: visitors, when: {count: visit, at_least: 1}}
alerts:
  - {name: quiet, grain: company, when: {since: visit, more_than: 30d}}
  - {name: lively, when: {count: visit, at_least: 2}}
"""


class Unlinked:
    """A store in which nobody is linked."""

    async def met(
        self, identities: Sequence[Identity], stated: Sequence[Identity]
    ) -> tuple[dict[Identity, str], set[Identity]]:
        return {}, set()


def ingested(plan: Plan, source: str, *raws: dict[str, Any]) -> list[Event]:
    """The neutral events of raw ones, as they come out of ingest."""
    rows = [orjson.dumps({"messageId": f"{source} {number}", **raw}) for number, raw in enumerate(raws)]
    batch = Intake(source, [record(value=row) for row in rows], 9e9)
    asyncio.run(ingest_pipeline(plan, Unlinked(), NOBODY).run(batch))
    assert not batch.rejected, batch.rejected
    return [item.event for item in batch.items if item.event is not None]


def test_companies_have_segments_and_alerts_of_their_own() -> None:
    """From raw events to what is told; what a public source says of a company is not believed."""
    plan = parse_plan(PLAN, "plan.yaml", {})
    call = {"type": "group", "groupId": "acme", "timestamp": "2026-01-05T00:00:00Z"}
    page = {"type": "page", "context": {"groupId": "acme"}, "timestamp": "2026-01-06T00:00:00Z"}
    happened = ingested(
        plan,
        "shop",
        {**call, "userId": "ada", "traits": {"tier": "team", "staff": 9}},
        *({**page, "userId": who} for who in ("ada", "bob")),
    )
    happened += ingested(plan, "web", {**page, "userId": "bob"}, {**call, "userId": "bob", "traits": {"tier": "free"}})
    assert list(events_in(to_table([Placed(one, 0, 0) for one in happened]))) == sorted(
        happened, key=lambda one: (one.profile, one.time)
    )

    look = profile_pipeline(plan, Settings(), lambda: Panel.cold(plan.churn), PopulationSnapshot.empty)
    held: dict[str, Profile] = {}
    told: list[dict[str, Any]] = []

    def run_all(now: float, waiting: list[Record], due: Sequence[Profile] = ()) -> None:
        for offset in range(100):
            if not waiting and not due:
                return
            for number, one in enumerate(waiting):
                one.origin = ("profile.events", 0, (offset * 100 + number) << 16)
            work = Work(0, Loaded(profiles=held), 1)
            work.begin(now, waiting, due)
            asyncio.run(look.run(work))
            told.extend(orjson.loads(output.value) for output in work.outputs if output.topic in TOLD)
            waiting = [read_record(output.value) for output in work.outputs if output.topic == PROFILE_EVENTS]
            due = ()

    run_all(happened[0].time + 2 * DAY, list(happened))
    acme = held[plan.company("acme")]
    assert set(acme.segments) == {"busy", "teams"}
    assert (acme.snapshots, acme.traits["tier"][0], "staff" in acme.traits) == ([], "team", False)
    assert acme.score is not None
    assert acme.score.model == BY_RULES
    bob = held[plan.home(("user_id", "bob"))]
    assert set(bob.segments) >= {"visitors"}
    assert set(bob.alerts) == {"lively"}
    assert 0 < acme.scheduled_at <= happened[0].time + 10 * DAY  # when it is busy no more
    run_all(happened[0].time + 40 * DAY, [], [acme])
    assert set(acme.segments) == {"teams"}
    assert acme.alerts["quiet"].state == "open"
    assert [one["alert"]["rule"] for one in told if one["profile"] == acme.id and "alert" in one] == ["quiet"]


def test_the_learner_hears_what_became_of_companies() -> None:
    """Live, of a company with a contract that is cancelled after 60 days: by what it was when its snapshot was taken,
    and by a scorecard that was learned, once there is one."""
    cancels = "{name: cancels, ends_by: {subscription: ended}, horizon: 4w, snapshot_every: 2w}"
    plan = parse_plan(PLAN.replace("alerts:", f"churn: {{definitions: [{cancels}]}}\nalerts:"), "the plan", {})
    learned = Scorecard(-3.0, BY_HAND.weights, 40, meaning_of(ground_of(plan.churn)))
    panels = [Panel.cold(plan.churn), dataclasses.replace(Panel.cold(plan.churn), companies=learned)]
    look = profile_pipeline(plan, Settings(), lambda: panels[0], PopulationSnapshot.empty)
    held: dict[str, Profile] = {}
    told: list[TrainingRecord] = []
    id_ = plan.company("acme")

    def day(number: int, *happened: Event) -> None:
        waiting: list[Record] = list(happened)
        due = [one for one in held.values() if 0 < one.scheduled_at <= T0 + number * DAY]
        while waiting or due:
            for one in waiting:
                one.origin = ("profile.events", 0, (1 + number * 100 + waiting.index(one)) << 16)
            work = Work(0, Loaded(profiles=held, watermark=T0 + number * DAY), 1)
            work.begin(T0 + number * DAY, waiting, due)
            asyncio.run(look.run(work))
            told.extend(decode(output.value) for output in work.outputs if output.topic == TRAINING_EXAMPLES)
            waiting, due = [read_record(each.value) for each in work.outputs if each.topic == PROFILE_EVENTS], []

    group = Grouping("acme")
    day(0, event("subscription_start", 0, profile="m", id="s", group=group, subject="s", amount=900))
    for number in range(1, 101):
        events = [event("visit", number, profile="m", id=f"v{number}", group=group)]
        if number == 60:
            events.append(event("subscription_cancel", 60, profile="m", id="c", group=group, subject="s"))
        day(number, *events)
        if number == 40:
            acme = held[id_]
            assert acme.score is not None
            assert acme.score.model == BY_RULES
            panels.reverse()
        if number == 45:
            assert acme.score is not None
            assert held[id_].score.model == "companies-40"  # type: ignore[union-attr]

    labels = [one.record for one in told if isinstance(one, Of) and one.churn == COMPANIES]
    assert all(isinstance(label, Example) and label.profile == id_ for label in labels)
    times = [(label.at - T0) / DAY for label in labels if isinstance(label, Example)]
    assert len(times) >= 4
    assert all(after - before == pytest.approx(14, abs=1.5) for before, after in pairwise(times))
    assert [label.y for label in labels if isinstance(label, Example)] == [at + 28 < 60 for at in times]
    assert (held[id_].snapshots, held[id_].snapshot_at, held[id_].stage) == ([], 0, "churned")


@pytest.mark.parametrize("members", [3, 20])
def test_nothing_is_learned_of_a_company_that_is_another_one_since(members: int) -> None:
    """A member was erased, or another company counts for it; not of a merge, which takes nothing away
    from it, nor of a visit."""
    waiting = Snapshot(1.0, 9.0, SIGNALS, b"")

    def acme(*records: Record) -> list[Snapshot]:
        held = run(*visits(members), *(one for one in visits(members + 1) if one.profile == f"m{members}"))
        held["~acme"].snapshots = [waiting]
        run(*records, profiles=held)
        return held["~acme"].snapshots

    assert acme(event("visit", 5, profile="m1", id="later", group=Grouping("acme"))) == [waiting]
    assert acme(Merge("m1", "m0", 50.0, [])) == [waiting]
    assert acme(Erase("m1", 99.0)) == []
    bolt = event("visit", 5, profile="b", id="b", group=Grouping("bolt"))
    assert acme(bolt, Join("~bolt", "bolt", "~acme", "acme", 9.0, "kim", "one house")) == []
    assert acme(bolt, Join("~acme", "acme", "~bolt", "bolt", 9.0, "kim", "one house")) == []
