"""The linker: decides who is who. One partition, so one reader, so decisions never race.

A decision writes the mapping, how it came about, and puts into the outbox, in the same commit, what the profiles must
do (`Merge`, `Split`, `Erase` in `profile.events`) and the new mapping (`identity.changes`). How the graph changes is
in `streams/identity/graph.py`.
"""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable, Sequence

import msgspec
from aiokafka.structs import ConsumerRecord

from plan import Plan
from profiles.identity.links import Erasure
from profiles.identity.secrets import suppression
from profiles.types import Identity
from profiles.units import LinkState, LinkStore
from streams.clock import Clock
from streams.identity.graph import Graph
from streams.identity.history import History
from streams.kafka.outbox import Outbox
from streams.kafka.topics import IDENTITY_LINKS, topic_name
from streams.metrics import WorkerMetrics
from streams.records.links import EraseRequest, JoinRequest, LiftRequest, LinkRequest, Request, SplitDone, SplitRequest
from streams.retry import retrying, until_committed
from streams.settings import Settings
from streams.worker.profiles import Behind

__all__ = ["Linker"]

_decode = msgspec.msgpack.Decoder(Request).decode

Place = tuple[int, Request]
"""(offset, request)."""


class Linker:
    """Handles `identity.links`.

    Args:
        store, outbox, history: of what is decided.
        plan, settings, metrics, clock: of the worker.
        pace: waits until the profiles have applied what has come of the requests so far. A storm of merges so waits in
            `identity.links`, where nobody stands behind it but other links, and not in `profile.events`.
        merges: how many requests may be decided before it is waited, about.
    """

    def __init__(
        self,
        store: LinkStore,
        outbox: Outbox,
        history: History,
        plan: Plan,
        settings: Settings,
        metrics: WorkerMetrics,
        clock: Clock,
        pace: Callable[[], Awaitable[None]],
        merges: Callable[[], int],
    ) -> None:
        self._store = store
        self._outbox = outbox
        self._history = history
        self._plan = plan
        self._settings = settings
        self._moving = {rule.type for rule in plan.identities if rule.keep is not None}
        self._topic = topic_name(settings, IDENTITY_LINKS)
        self._metrics = metrics
        self._clock = clock
        self._pace = pace
        self._merges = merges
        self._unpaced = 0  # requests decided since it was waited
        self._recovered = True  # or not ours to recover

    def assigned(self, *, mine: bool) -> None:
        """Say whether this worker is the linker from now on."""
        self._recovered = not mine

    @retrying
    async def tick(self) -> None:
        """Deliver what the last linker has committed and perhaps not produced, though no request may come for long."""
        if not self._recovered:
            await self._outbox.recover(self._store)
            self._recovered = True

    @until_committed
    async def handle(self, records: Sequence[ConsumerRecord], follows: int) -> None:
        """Decide about a batch of requests and commit.

        Raises:
            Behind: the store has not applied what came before this batch.
        """
        state = await self._store.state()
        await self._outbox.recover(self._store)  # if somebody else commits after this, our commit is fenced
        if state.applied + 1 < follows:
            raise Behind(state.applied + 1)
        requests = [(record.offset, _decode(record.value)) for record in records if record.offset > state.applied]
        while requests:
            if self._unpaced >= (most := self._merges()):
                await self._pace()
                self._unpaced = 0
            part = _together(requests, most)
            state, done = await self._decide(state, part)
            requests = requests[done:]
            self._unpaced += done

    async def _decide(self, state: LinkState, requests: Sequence[Place]) -> tuple[LinkState, int]:
        """Decide about requests and commit; the new state, and how many were decided."""
        graph = await self._open(requests)
        merged = refused = 0
        for number, (offset, request) in enumerate(requests):
            if type(request) is LinkRequest:
                decision = graph.link(offset, request)
                merged += len(decision.losers) if decision else 0
                refused += len(decision.refused) if decision else 0
            elif type(request) is SplitRequest:
                if why := await self._history.what_is_missing(graph.homes_with(request.identity)):
                    graph.refuse_split(offset, request, why)
                else:
                    graph.split(offset, request)
            elif type(request) is EraseRequest:
                graph.erase(offset, request)
            elif type(request) is LiftRequest:
                graph.lift(offset, request)
            elif type(request) is JoinRequest:
                merged += graph.join(offset, request)
            elif type(request) is SplitDone:
                graph.split_done(offset, request, await self._store.deferred())
            if not (moves := graph.due()):
                continue
            if number:  # its commit must not overtake the merges of those before it
                return await self._decide(state, requests[:number])
            for move in moves:
                # What is only away for now is waited for: when the log is read again, the answer must be the same.
                graph.move(move, await self._history.what_is_missing(graph.homes_of(move.profile), patient=True))
            requests = requests[:1]
            break
        self._metrics.linked(merged=merged, refused=refused)
        changes = graph.changes(state, requests[-1][0])
        committed = await self._store.commit(changes)
        await self._outbox.deliver(changes.outputs, version=committed)
        await self._store.clear_outbox(committed)
        return LinkState(committed, changes.applied, changes.refusals, changes.own_nonce), len(requests)

    async def _erasures(self, requests: Sequence[Place]) -> list[Erasure]:
        found = [request.erasure for _, request in requests if type(request) is EraseRequest]
        if any(type(request) is SplitDone for _, request in requests):
            found += await self._store.deferred()
        return found

    async def _open(self, requests: Sequence[Place]) -> Graph:
        """Read what a batch may need."""
        named: set[Identity] = set()
        profiles: set[str] = set()
        companies: set[str] = set()
        pending = await self._store.splitting()
        for _, request in requests:
            if type(request) is LinkRequest:
                named.update(request.identities)
            elif type(request) is SplitRequest:
                named.update([request.identity, *request.apart])
            elif type(request) is LiftRequest and request.company:
                companies.add(request.company)
            elif type(request) is LiftRequest:
                named.add(request.identity)
            elif type(request) is JoinRequest:
                named.update(request.identities)
            elif type(request) is SplitDone and request.id in pending:
                named.update(identity for link in pending[request.id].waiting for identity in link.identities)
        erasures = await self._erasures(requests)
        for erasure in erasures:
            profiles.add(erasure.profile)
            named.update([erasure.identity] if erasure.identity else [])
        claims = await self._store.claims([identity for identity in named if identity[0] in self._moving])
        anchors = {claim.anchor for every in claims.values() for claim in every}  # who they are by now decides
        linked = await self._store.profiles_of(list(named | anchors))
        homes = {identity: self._plan.home(identity) for identity in named}
        profiles |= {linked.get(identity, home) for identity, home in homes.items()}
        profiles |= {linked.get(anchor) or self._plan.home(anchor) for anchor in anchors}
        held = await self._store.linked_to(list(profiles))
        linked |= {identity: id_ for id_, one in held.items() for identity in one.identities}
        if erasures:
            gone = {*profiles, *(self._plan.home(identity) for one in held.values() for identity in one.identities)}
            claims |= await self._store.claims_about(lambda identity: self._plan.home(identity) in gone)
        special = any(type(request) is not LinkRequest for _, request in requests)
        hashes = {suppression(self._plan.pii_key, home): home for home in (*homes.values(), *companies)}
        return Graph(
            self._plan,
            self._topic,
            self._settings.partitions,
            self._clock.now(),
            linked=linked,
            held={id_: one.identities for id_, one in held.items()},
            links={identity: links for one in held.values() for identity, links in one.links.items()},
            apart=await self._store.apart(),
            pending=pending,
            erased={hashes[hash_]: at for hash_, at in (await self._store.suppressed(list(hashes))).items()},
            refusals=await self._store.refusals() if special else {},
            claims=claims,
        )


def _together(requests: list[Place], most: int) -> list[Place]:
    """What is decided in one commit. So many links are; what is rarer reads more, and is by itself."""
    links = itertools.takewhile(lambda place: type(place[1]) is LinkRequest, itertools.islice(requests, most))
    count = sum(1 for _ in links) or 1
    return requests[:count]
