"""Erasing a customer or a company, and the receipt that says what is gone and what is not yet.

The linker forgets the identities and suppresses their homes, every home becomes a tombstone that takes nothing in
(`streams/identity/graph.py`, `streams/steps/update.py`). What Kafka and the archive hold cannot be taken out at once;
the receipt says where it is, until when, and what keeps it from coming back. A company goes the same way by the id of
its document; its people stay, and forget it (`streams/companies/erasing.py`).
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import defaultdict
from collections.abc import Mapping

import msgspec

from plan import Plan
from profiles.companies.sharing import CELLS
from profiles.errors import RapportError
from profiles.identity.links import Erasure, Lifted, Linked
from profiles.identity.secrets import suppression
from profiles.store import Store
from profiles.times import rfc3339
from profiles.types import ERASED, Identity, Profile, is_company, partition_of, profile_id
from profiles.units import LinkStore
from streams.clock import WALL
from streams.commands import CommandSender
from streams.kafka.topics import (
    ALERTS,
    CASES,
    DELIVERIES,
    DELIVERIES_DEAD,
    IDENTITY_CHANGES,
    IDENTITY_LINKS,
    PROFILE_CHANGES,
    PROFILE_EVENTS,
    REJECTED,
    SEGMENT_CHANGES,
    TRAINING_EXAMPLES,
    topic_name,
    topics,
)
from streams.records.links import EraseRequest, LiftRequest
from streams.settings import Settings

__all__ = ["Eraser", "NotErased", "Receipt", "Remains", "Removed"]

_AT_ONCE = 200  # documents that are looked at together
_LOOK = 0.1  # seconds between looks at what the workers have done

_HOW = {
    PROFILE_EVENTS: "events as they were applied; suppressed, so they are never applied again",
    REJECTED: "events that were not accepted, as they were sent; a replay of them is dropped",
    IDENTITY_LINKS: "which identities met in an event, addresses and numbers as keyed hashes",
    IDENTITY_CHANGES: "deleted keys; compaction removes the earlier values",
    PROFILE_CHANGES: "deleted keys; compaction removes the earlier documents",
    SEGMENT_CHANGES: "which segments were entered and left, by profile id",
    ALERTS: "alerts, by profile id",
    CASES: "cases with their notes, by profile id",
    DELIVERIES: "what sinks were told, by profile id, without name and identities",
    DELIVERIES_DEAD: "what sinks could not be told, by profile id, without name and identities",
    TRAINING_EXAMPLES: "numbers that models learned from, by profile id",
}

_OF_COMPANIES = _HOW | {
    PROFILE_EVENTS: "events of its people, which name it; suppressed, so that they never do again",
    SEGMENT_CHANGES: "which segments were entered and left, by company id",
    ALERTS: "alerts, by company id",
    CASES: "cases with their notes, by company id",
    DELIVERIES: "what sinks were told, by company id",
    DELIVERIES_DEAD: "what sinks could not be told, by company id",
}


class Removed(msgspec.Struct, frozen=True):
    """Something that is gone."""

    where: str
    what: str
    count: int


class Remains(msgspec.Struct, frozen=True):
    """Something that is not gone yet, and what is done about it."""

    where: str
    what: str
    until: str | None  # RFC 3339; None: no fixed end


class Receipt(msgspec.Struct, frozen=True):
    """The receipt of an erasure. It holds no personal data: `subject` is the keyed hash of the suppression entry."""

    id: str
    at: str
    by: str
    state: str  # done, pending
    subject: str
    removed: list[Removed]
    remains: list[Remains]


class NotErased(RapportError):
    """There is nothing to lift."""


class Eraser:
    """Erases customers, and lets erased ones come back."""

    def __init__(self, store: Store, links: LinkStore, commands: CommandSender, settings: Settings, plan: Plan) -> None:
        self._store = store
        self._links = links
        self._commands = commands
        self._settings = settings
        self._plan = plan

    async def erase(self, profile: Profile, identity: Identity | None, now: float, by: str, wait: float) -> Receipt:
        """Erase a customer and wait until it is done.

        Args:
            profile: as it is now.
            identity: by which the customer was named; None for the profile's own id.
            now: the wall clock's, seconds: the tombstone is kept for as long as Kafka keeps events.
            by: who asks.
            wait: seconds; after them the receipt says `pending`, and what was asked is carried out all the same.

        Raises:
            Unavailable: Kafka does not answer; nothing was asked.
        """
        held, links = (await self._links.linked_to([profile.id])).get(profile.id, Linked([], {}))
        own = [identity] if identity and not held else held
        homes = list(dict.fromkeys([profile.id, *(profile_id(self._plan.namespace, one) for one in own)]))
        erasure, asked = uuid.uuid4().hex, WALL.now()
        await self._commands.request(EraseRequest(Erasure(erasure, profile.id, identity, now)))
        done = await self._gone(homes, time.monotonic() + wait)
        removed = _removed(profile, homes, sum(map(len, links.values())))
        return await self._keep(erasure, profile.id, asked, by, done, removed, _HOW, "rows of the customer")

    async def erase_company(self, company: Profile, now: float, by: str, wait: float) -> Receipt:
        """Erase a company as such, and wait until it is done: its people stay, and forget it.

        Args:
            company: its document as it is now.
            now, by, wait: as of `erase`.

        Raises:
            Unavailable: Kafka does not answer; nothing was asked.
        """
        held = company.company
        assert held is not None
        numbers = range(CELLS) if held.divided else ()
        cells = await self._fetch([self._plan.cell(held.key, number) for number in numbers])
        documents = [company, *cells.values()]
        members = {id_ for one in documents if one.company for id_ in one.company.shares if not is_company(id_)}
        erasure, asked, until = uuid.uuid4().hex, WALL.now(), time.monotonic() + wait
        await self._commands.request(EraseRequest(Erasure(erasure, company.id, None, now)))
        done = await self._gone([company.id], until) and await self._forgotten(held.key, [*cells, *members], until)
        removed = _removed_of_company(company, len(cells), len(members))
        what = "events of its people that name it"
        return await self._keep(erasure, company.id, asked, by, done, removed, _OF_COMPANIES, what)

    async def _keep(
        self, erasure: str, id_: str, at: float, by: str, done: bool, removed: list[Removed],
        how: Mapping[str, str], archived: str,
    ) -> Receipt:  # fmt: skip
        state, subject = "done" if done else "pending", suppression(self._plan.pii_key, id_)
        receipt = Receipt(erasure, rfc3339(at), by, state, subject, removed, self._remains(at, how, archived))
        await self._links.keep_receipt(erasure, msgspec.json.encode(receipt))
        return receipt

    async def receipt(self, erasure: str) -> Receipt | None:
        """The receipt of an erasure; None if there was none by this id. Pending ones are looked at again."""
        raw = await self._links.receipt(erasure)
        if raw is None:
            return None
        receipt = msgspec.json.decode(raw, type=Receipt)
        if receipt.state == "pending" and await self._links.suppressed([receipt.subject]):
            receipt = msgspec.structs.replace(receipt, state="done")
            await self._links.keep_receipt(erasure, msgspec.json.encode(receipt))
        return receipt

    async def lift(self, identity: Identity, by: str, reason: str, wait: float) -> tuple[Lifted, bool]:
        """Let an erased identity come back with what happens from now on; nothing that was erased does.

        Args:
            identity: whose erasure is lifted; others of the same customer stay away.
            by: who decided it.
            reason: why; kept for good.
            wait: seconds.

        Returns:
            What is recorded, and whether it is done; if not, it is carried out all the same.

        Raises:
            NotErased: nobody of this identity was erased, or they may come back already.
            Unavailable: Kafka does not answer; nothing was asked.
        """
        home = self._plan.home(identity)
        return await self._lift(home, identity, "nobody of this identity is erased", by, reason, wait)

    async def lift_company(self, company: str, by: str, reason: str, wait: float) -> tuple[Lifted, bool]:
        """Let an erased company come back with what happens from now on; nothing that was erased does.

        Args:
            company: the id of its document.
            by, reason, wait: as of `lift`.

        Raises:
            NotErased, Unavailable: as of `lift`.
        """
        return await self._lift(company, ("", company), "no company of this name is erased", by, reason, wait)

    async def _lift(
        self, home: str, identity: Identity, not_erased: str, by: str, reason: str, wait: float
    ) -> tuple[Lifted, bool]:
        subject = suppression(self._plan.pii_key, home)
        if not await self._links.suppressed([subject]):
            raise NotErased(not_erased)
        now, until = WALL.now(), time.monotonic() + wait
        lifted = Lifted(uuid.uuid4().hex, subject, now, now, by, reason)
        await self._commands.request(LiftRequest(identity, lifted))
        while await self._links.suppressed([subject]):
            if time.monotonic() > until:
                return lifted, False
            await asyncio.sleep(_LOOK)
        return lifted, True

    async def lifted(self) -> list[Lifted]:
        """Every erasure that was lifted, the latest first."""
        return sorted((await self._links.lifted()).values(), key=lambda one: (one.at, one.id), reverse=True)

    async def _gone(self, homes: list[str], until: float) -> bool:
        while True:
            tombstones = [await self._is_tombstone(home) for home in homes]
            if all(tombstones) or time.monotonic() > until:
                return all(tombstones)
            await asyncio.sleep(_LOOK)

    async def _is_tombstone(self, home: str) -> bool:
        found = await self._fetch([home])
        return home in found and found[home].redirect == ERASED

    async def _forgotten(self, key: str, ids: list[str], until: float) -> bool:
        """Whether its cells are gone, and no member knows a company any more."""
        for at in range(0, len(ids), _AT_ONCE):
            while any(_knows(profile, key) for profile in (await self._fetch(ids[at : at + _AT_ONCE])).values()):
                if time.monotonic() > until:
                    return False
                await asyncio.sleep(_LOOK)
        return True

    async def _fetch(self, ids: list[str]) -> dict[str, Profile]:
        by_partition: defaultdict[int, list[str]] = defaultdict(list)
        for id_ in ids:
            by_partition[partition_of(id_, self._settings.partitions)].append(id_)
        found: dict[str, Profile] = {}
        for partition, some in by_partition.items():
            found |= await self._store.fetch(partition, some)
        return found

    def _remains(self, at: float, how: Mapping[str, str], archived: str) -> list[Remains]:
        held: list[Remains] = []
        sources = [source.topic for source in self._plan.sources.values()]
        words = {**how} | dict.fromkeys(sources, "events as they were sent; a replay of them is dropped")
        named = {topic_name(self._settings, base): what for base, what in words.items()}
        for spec in topics(self._settings, self._plan):
            if spec.name in named:
                held.append(Remains(f"Kafka, topic {spec.name}", named[spec.name], _until(at, spec.config)))
        if self._settings.archive:
            what = f"{archived}; `rapport archive` rewrites their files with its next flush"
            held.append(Remains(f"archive {self._settings.archive}", what, None))
        held.append(Remains("models", "what was learned from them, as weights of all together", None))
        held.append(Remains("backups, and systems that read the topics", "theirs to erase; not known here", None))
        return held


def _until(at: float, config: Mapping[str, str]) -> str | None:
    if "delete" not in config.get("cleanup.policy", "delete"):
        return None
    return rfc3339(at + int(config["retention.ms"]) / 1000)


def _knows(profile: Profile, key: str) -> bool:
    of_company = profile.company is not None and profile.company.key == key
    return of_company or (profile.affiliation is not None and key in profile.affiliation.members)


def _removed_of_company(company: Profile, cells: int, members: int) -> list[Removed]:
    held = company.company
    assert held is not None
    joined = len(held.joiners) + bool(held.joined is not None and held.joined.target)
    counts = {
        "company document": 1,
        "parts of the company document": cells,
        "traits": len(company.traits),
        "entries of the timeline": company.timeline_count,
        "memberships of people": members,
        "links of joined companies": joined,
        "risk score and health": int(company.score is not None) + int(held.health is not None),
        "memberships of segments": len(company.segments),
        "alerts": len(company.alerts),
    }
    return [Removed("Redis, companies and their indexes", what, count) for what, count in counts.items()]


def _removed(profile: Profile, homes: list[str], links: int) -> list[Removed]:
    churns = (profile.churns or {}).values()
    counts = {
        "profile document": 1,
        "documents of merged profiles": len(homes) - 1,
        "traits": len(profile.traits) + (len(profile.claims.traits) if profile.claims else 0),
        "events counted in the profile": sum(activity.count for activity in profile.activity.values()),
        "entries of the timeline": profile.timeline_count + (profile.claims.timeline_count if profile.claims else 0),
        "orders, refunds, payments, subscriptions": profile.ledger.count if profile.ledger else 0,
        "parts in companies": len(profile.affiliation.members) if profile.affiliation else 0,
        "timers": int(bool(profile.scheduled_at)),
        "risk score": int(profile.score is not None) + sum(churn.score is not None for churn in churns),
        "memberships of segments": len(profile.segments),
        "alerts": len(profile.alerts),
        "pending training examples": len(profile.snapshots) + sum(len(churn.snapshots) for churn in churns),
    }
    identities = sum(map(len, profile.identities.values()))
    return [
        *(Removed("Redis, profiles and their indexes", what, count) for what, count in counts.items()),
        Removed("Redis, identity graph", "identities", identities),
        Removed("Redis, identity graph", "links and what they came from", links),
    ]
