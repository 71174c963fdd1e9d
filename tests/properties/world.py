"""A small Rapport without servers: partitions, the linker and the split's computing as plain data and pure steps.

Everything that takes turns in the real one takes turns here as a random choice says: which partition works next, how
many records it takes, whether what it sent is delivered twice. So the protocols between home, winner and linker meet
orders that no real run brings about.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from plan import Plan
from profiles.documents import decode_profile, encode_profile
from profiles.identity.links import Erasure, Linked, PendingSplit, decode_linked, encode_linked
from profiles.state import Limits
from profiles.store import Loaded, Output
from profiles.types import Absorb, Erase, Event, Identity, Profile, Record, partition_of, profile_id
from profiles.units import LinkChanges, LinkState
from streams.identity.graph import Graph
from streams.identity.split import fold
from streams.kafka.topics import PROFILE_EVENTS
from streams.records.links import EraseRequest, LinkRequest, Request, SplitDone, SplitRequest
from streams.steps.update import update
from streams.steps.work import Work

LIMITS = Limits(timeline=4, seen=4096)
PARTITIONS = 3

_decode = msgspec.msgpack.Decoder(Record).decode


@dataclass
class Outbox:
    """What one writer has committed and still delivers: commit by commit, but a commit's partitions in any order."""

    sent: list[list[Output]] = field(default_factory=list)  # by commit
    waiting: list[dict[int, list[Output]]] = field(default_factory=list)  # by commit and partition

    def add(self, outputs: list[Output], again: int) -> None:
        """Take a commit's outputs; with them go the `again` commits before it once more, as after a crash."""
        self.sent.append(outputs)
        for commit in [*self.sent[-1 - again :], *([outputs] if again else [])]:
            parts: dict[int, list[Output]] = {}
            for output in commit:
                if output.topic == PROFILE_EVENTS:
                    parts.setdefault(output.partition, []).append(output)
            if parts:
                self.waiting.append(parts)

    def next(self, chance: random.Random) -> list[Output]:
        """One partition's share of the oldest commit that is not delivered yet."""
        if not self.waiting:
            return []
        parts = self.waiting[0]
        outputs = parts.pop(chance.choice(sorted(parts)))
        if not parts:
            self.waiting.pop(0)
        return outputs


@dataclass
class Partition:
    """One partition's log and what its writer has committed."""

    log: list[bytes] = field(default_factory=list)
    applied: int = -1
    origins: dict[str, int] = field(default_factory=dict)
    documents: dict[str, bytes] = field(default_factory=dict)
    outbox: Outbox = field(default_factory=Outbox)


class World:
    """All of it.

    Args:
        plan: identity rules.
        chance: decides who is next.
    """

    def __init__(self, plan: Plan, chance: random.Random) -> None:
        self.plan = plan
        self.chance = chance
        self.partitions = [Partition() for _ in range(PARTITIONS)]
        self.requests: list[Request] = []
        self.decided = 0
        self.mapping: dict[Identity, str] = {}
        self.linked: dict[str, bytes] = {}  # profile → what the store keeps of its links
        self.apart: dict[Identity, list[Identity]] = {}
        self.pending: dict[str, PendingSplit] = {}
        self.deferred: dict[str, Erasure] = {}
        self.erased: set[str] = set()
        self._computed: dict[str, bool] = {}  # splits whose shares have been sent → whether the linker has been told
        self._sources = 0
        self._linker = Outbox()
        self._update = update(plan.currency, LIMITS)

    @property
    def graph(self) -> dict[str, Linked]:
        """What is linked to each profile."""
        return {id_: decode_linked(record) for id_, record in self.linked.items()}

    def home(self, identity: Identity) -> str:
        return profile_id(self.plan.namespace, identity)

    def happen(self, id_: str, time: float, identities: Sequence[Identity]) -> None:
        """An event goes through ingest."""
        home = self.home(identities[0])
        if home in self.erased:
            return
        event = Event(home, id_, "web", "page", "Home", "visit", time, time, list(identities))
        event.origin = ("events.web", 0, self._sources)
        self._sources += 1
        self.deliver([Output(PROFILE_EVENTS, b"", msgspec.msgpack.encode(event), "", self.partition(home))])
        if len({self.mapping.get(identity) or self.home(identity) for identity in identities}) > 1:
            self.requests.append(LinkRequest(list(identities), time, "web", id_))

    def partition(self, id_: str) -> int:
        return partition_of(id_, PARTITIONS)

    def deliver(self, outputs: Sequence[Output]) -> None:
        for output in outputs:
            if output.topic == PROFILE_EVENTS:
                self.partitions[output.partition].log.append(output.value)

    def work(self, number: int, most: int) -> bool:
        """One commit of a partition; its outputs are delivered, perhaps together with earlier ones again."""
        held = self.partitions[number]
        records = held.log[held.applied + 1 :][:most]
        if not records:
            return False
        decoded = [(held.applied + 1 + n, _decode(record)) for n, record in enumerate(records)]
        wanted = {record.profile for _, record in decoded}
        profiles = {id_: decode_profile(id_, held.documents[id_]) for id_ in wanted if id_ in held.documents}
        work = Work(number, Loaded(profiles=profiles, origins=held.origins), PARTITIONS)
        work.begin(0.0, work.take(decoded, "profile.events"))
        self._update(work)
        for id_, profile in work.changed.items():
            held.documents[id_] = encode_profile(profile)
        held.applied += len(records)
        self._send(held.outbox, work.outputs)
        return True

    def carry(self) -> bool:
        """Deliver something that was committed."""
        outboxes = [self._linker, *(held.outbox for held in self.partitions)]
        waiting = [outbox for outbox in outboxes if outbox.waiting]
        if waiting:
            self.deliver(self.chance.choice(waiting).next(self.chance))
        return bool(waiting)

    def link(self, most: int) -> bool:
        """One commit of the linker."""
        requests = self.requests[self.decided :][:most]
        if not requests:
            return False
        if any(type(request) is not LinkRequest for request in requests):
            del requests[1:]  # what is rarer has a commit of its own
        linked = self.graph
        graph = Graph(
            self.plan,
            "identity.links",
            PARTITIONS,
            0.0,
            linked=dict(self.mapping),
            held={id_: one.identities for id_, one in linked.items()},
            links={identity: links for one in linked.values() for identity, links in one.links.items()},
            apart=dict(self.apart),
            pending=self.pending,
            erased=set(self.erased),
            refusals={},
        )
        for offset, request in enumerate(requests, self.decided):
            if type(request) is LinkRequest:
                graph.link(offset, request)
            elif type(request) is SplitRequest:
                graph.split(offset, request)
            elif type(request) is EraseRequest:
                graph.erase(offset, request)
            elif type(request) is SplitDone:
                graph.split_done(offset, request, list(self.deferred.values()))
        self.decided += len(requests)
        self._keep(graph.changes(LinkState(0, -1, 0), self.decided - 1))
        return True

    def compute(self) -> bool:
        """Finish a split whose homes have all moved, from the logs up to their cutovers."""
        for split in self.pending.values():
            if split.id in self._computed:
                continue
            profile = self.profile(split.profile)
            splitting = profile.splitting if profile else None
            if splitting is None or splitting.split != split.id or splitting.awaited or splitting.done:
                continue
            shares: defaultdict[str, dict[tuple[str, str], Event]] = defaultdict(dict)
            for home in split.winners:
                number, offset = splitting.cutovers[home]
                for raw in self.partitions[number].log[:offset]:
                    record = _decode(raw)
                    if type(record) is Event and not record.home and record.profile == home:
                        shares[split.winners[home]][home, record.id] = record
            for winner in sorted(set(split.winners.values())):
                state = fold(winner, list(shares[winner].values()), self.plan.currency, LIMITS)
                share = Absorb(winner, f"{split.id}:{winner}", 0.0, msgspec.msgpack.encode(state), split=split.id)
                value = msgspec.msgpack.encode(share)
                self.deliver([Output(PROFILE_EVENTS, b"", value, "", self.partition(winner))] * 2)
            self._computed[split.id] = False
            return True
        return False

    def finish(self) -> bool:
        """Tell the linker of a split whose profiles are whole, which may be linked again."""
        for split in self.pending.values():
            profiles = [self.profile(winner) for winner in set(split.winners.values())]
            whole = all(
                held and held.splitting and held.splitting.done and not held.splitting.awaited for held in profiles
            )
            if whole and self._computed.get(split.id) is False:
                self._computed[split.id] = True
                self.requests.append(SplitDone(split.id))
                return True
        return False

    def settle(self) -> None:
        """Let everything come to rest, in any order."""
        while True:
            turns = [lambda n=n: self.work(n, self.chance.randint(1, 4)) for n in range(PARTITIONS)]
            turns += [lambda: self.link(self.chance.randint(1, 2)), self.compute, self.finish]
            turns += [self.carry] * 4
            self.chance.shuffle(turns)
            if not any(turn() for turn in turns):
                return

    def some(self) -> None:
        """A turn or two of somebody."""
        for _ in range(self.chance.randint(0, 8)):
            number = self.chance.randint(0, PARTITIONS + 5)
            if number < PARTITIONS:
                self.work(number, self.chance.randint(1, 3))
            elif number == PARTITIONS:
                self.link(self.chance.randint(1, 2))
            elif number == PARTITIONS + 1:
                self.compute()
            elif number == PARTITIONS + 2:
                self.finish()
            else:
                self.carry()

    def profile(self, id_: str) -> Profile | None:
        """The document of this very id."""
        document = self.partitions[self.partition(id_)].documents.get(id_)
        return decode_profile(id_, document) if document else None

    def _send(self, outbox: Outbox, outputs: list[Output]) -> None:
        outbox.add(outputs, self.chance.choice((0, 0, 0, 1, 2)))

    def _keep(self, changes: LinkChanges) -> None:
        pairs = (
            (self.mapping, changes.mapping),
            (
                self.linked,
                {id_: held and encode_linked(held, changes.links) for id_, held in changes.graph.items()},
            ),
            (self.apart, changes.apart),
            (self.deferred, changes.deferred),
            (self.pending, changes.splitting),
        )
        for held, new in pairs:
            for key, value in new.items():  # type: ignore[attr-defined]
                if value is None:
                    held.pop(key, None)  # type: ignore[attr-defined]
                else:
                    held[key] = value  # type: ignore[index]
        if changes.suppressed:
            told = [_decode(output.value) for output in changes.outputs if output.topic == PROFILE_EVENTS]
            self.erased |= {record.profile for record in told if type(record) is Erase}
        self._send(self._linker, changes.outputs)
