"""The linker: decides which profiles become one. One partition, so one reader, so decisions never race.

A decision writes the mapping of the loser's identities and, in the same commit, puts a `Merge` for the loser and the
new mapping (`identity.changes`) into the outbox.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import msgspec
import orjson
from aiokafka.structs import ConsumerRecord

from profiles.linking import Decision, decide
from profiles.store import Output
from profiles.stores.links import LinkChanges, LinkStore
from profiles.types import Identity, Merge, partition_of, profile_id
from streams.ingest import LinkRequest
from streams.metrics import WorkerMetrics
from streams.outbox import Outbox
from streams.patience import until_committed
from streams.plan import Plan
from streams.profile import Behind
from streams.settings import Settings
from streams.topics import IDENTITY_CHANGES, PROFILE_EVENTS

__all__ = ["Linker"]

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(LinkRequest).decode


class Linker:
    """Handles `identity.links`."""

    def __init__(
        self, store: LinkStore, outbox: Outbox, plan: Plan, settings: Settings, metrics: WorkerMetrics
    ) -> None:
        self._store = store
        self._outbox = outbox
        self._namespace = plan.namespace
        self._limits = {rule.type: rule.limit for rule in plan.identities}
        self._partitions = settings.partitions
        self._metrics = metrics

    @until_committed
    async def handle(self, records: Sequence[ConsumerRecord], follows: int) -> None:
        """Decide about a batch of requests and commit.

        Raises:
            Behind: the store has not applied what came before this batch.
        """
        await self._outbox.recover(self._store)
        version, applied = await self._store.state()
        if applied + 1 < follows:
            raise Behind(applied + 1)
        requests = [_decode(record.value) for record in records if record.offset > applied]
        if not requests:
            return
        batch = await self._open(requests)
        for request in requests:
            decision = decide(request.identities, batch.profile_of, batch.held_by, self._limits)
            self._metrics.linked(merged=len(decision.losers), refused=len(decision.refused))
            batch.apply(decision, request.time)
        changes = LinkChanges(version, records[-1].offset, batch.mapping, batch.graph, batch.outputs)
        committed = await self._store.commit(changes)
        await self._outbox.deliver(batch.outputs, changes.applied)
        await self._store.clear_outbox(committed)

    async def _open(self, requests: list[LinkRequest]) -> _Batch:
        """Read what a batch may need: the profiles of its identities, and what those profiles hold."""
        identities = {identity for request in requests for identity in request.identities}
        linked = await self._store.profiles_of(list(identities))
        owners = {linked.get(identity) or profile_id(self._namespace, identity) for identity in identities}
        held = await self._store.identities_of(list(owners))
        return _Batch(self._namespace, self._partitions, linked, held)


class _Batch:
    """The graph as the requests of one batch change it, one after the other."""

    def __init__(
        self, namespace: uuid.UUID, partitions: int, linked: dict[Identity, str], held: dict[str, list[Identity]]
    ) -> None:
        self._namespace = namespace
        self._partitions = partitions
        self._linked = linked
        self._held = held
        self.mapping: dict[Identity, str] = {}
        self.graph: dict[str, list[Identity] | None] = {}
        self.outputs: list[Output] = []

    def profile_of(self, identity: Identity) -> str:
        return self._linked.get(identity) or profile_id(self._namespace, identity)

    def held_by(self, profile: str) -> list[Identity]:
        return self._held.get(profile, [])

    def apply(self, decision: Decision, time: float) -> None:
        if not decision.losers:
            return
        winner = decision.winner
        for loser, identities in decision.losers.items():
            for identity in identities:
                self._linked[identity] = self.mapping[identity] = winner
                body = orjson.dumps({"identity": identity, "profile": winner, "at": time})
                key = f"{identity[0]}:{identity[1]}".encode()
                self.outputs.append(Output(IDENTITY_CHANGES, key, body, f"{identity[0]}:{identity[1]}:{winner}", 0))
            self._held.pop(loser, None)
            self.graph[loser] = None
            command = Merge(loser, winner, time, identities)
            to = partition_of(loser, self._partitions)
            self.outputs.append(Output(PROFILE_EVENTS, loser.encode(), _encode(command), f"merge:{loser}:{winner}", to))
        self._held[winner] = self.graph[winner] = decision.together
