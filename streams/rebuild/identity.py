"""`identity.changes`: who is who, as the linker last told it.

What comes behind the last marker belongs to a commit that was told in part only. It is left out: the linker will decide
those requests again.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec
from aiokafka.structs import ConsumerRecord

from plan import Plan
from profiles.errors import Misconfigured
from profiles.identity.links import Claim, Erasure, Lifted, Link, PendingSplit, Refusal
from profiles.identity.secrets import fingerprint
from profiles.stores.restoring.restore import LEAP
from profiles.types import Identity, profile_id
from profiles.units import LinkChanges
from streams.kafka.outbox import MARKER
from streams.kafka.reader import Extent, Log
from streams.rebuild.order import Order, order_of, place_of

__all__ = ["read_identities"]

_convert = msgspec.convert
_from_json = msgspec.json.Decoder().decode


class _Marker(msgspec.Struct):
    version: int
    applied: int
    refusals: int = 0
    namespace: str = ""
    pii_key: str = ""


_decode_marker = msgspec.json.Decoder(_Marker).decode


class _News(NamedTuple):
    order: Order
    value: bytes | None


@dataclass(slots=True)
class _Told:
    """The newest news of each key, up to the last marker."""

    settled: dict[bytes, _News] = field(default_factory=dict)
    waiting: list[tuple[bytes, _News]] = field(default_factory=list)  # for the marker of their commit
    marker: _Marker | None = None
    marked: Order | None = None
    version: int = 0

    def take(self, record: ConsumerRecord) -> None:
        order = order_of(record, place_of(record))
        self.version = max(self.version, order.version)
        if record.key != MARKER:
            self.waiting.append((record.key, _News(order, record.value)))
            return
        if self.marked is None or order >= self.marked:
            self.marker, self.marked = _decode_marker(record.value), order
        self._settle(self.marked)

    def _settle(self, marked: Order) -> None:
        rest = []
        for key, news in self.waiting:
            if news.order > marked:
                rest.append((key, news))
            elif (held := self.settled.get(key)) is None or news.order >= held.order:
                self.settled[key] = news
        self.waiting = rest


async def read_identities(log: Log, extent: Extent, plan: Plan) -> LinkChanges | None:
    """All that the linker knew, as one commit into an empty store; None if the topic has no marker.

    Raises:
        Misconfigured: the identities are those of another namespace or key.
    """
    told = _Told()
    async for batch in log.read([extent]):
        for record in batch.records:
            told.take(record)
    marker = told.marker
    if marker is None:
        return None
    _check(marker, plan)
    changes = LinkChanges(told.version + LEAP, marker.applied, refusals=marker.refusals)
    for key, news in told.settled.items():
        if news.value is not None:
            _take(changes, key.decode(), _from_json(news.value))
    changes.graph.update(_graph(changes, plan))
    return changes


def _check(marker: _Marker, plan: Plan) -> None:
    if marker.namespace and marker.namespace != plan.namespace.hex:
        raise Misconfigured(
            f"Kafka holds identities of namespace {marker.namespace}, but {plan.namespace.hex} is set: use the "
            "tracking plan that the profiles were made with"
        )
    if marker.pii_key and marker.pii_key != fingerprint(plan.pii_key):
        raise Misconfigured(
            "Kafka holds identities that were hashed with another key, so nobody would be recognised. Set "
            "RAPPORT_PII_KEY to what it was (leave it out if it was not set)"
        )


def _take(changes: LinkChanges, key: str, told: Any) -> None:
    kind, _, name = key.partition(":")
    if kind == "@refused":
        changes.refused[name] = _convert(told, Refusal)
    elif kind == "@split":
        changes.splitting[name] = _convert(told, PendingSplit)
    elif kind == "@became":
        changes.splits[name] = told
    elif kind == "@deferred":
        changes.deferred[name] = _convert(told, Erasure)
    elif kind == "@claims":
        changes.claims[_convert(told["identity"], Identity)] = _convert(told["claims"], list[Claim])
    elif kind == "@lifted":
        changes.lifted[name] = _convert(told, Lifted)
    elif "profile" in told:
        changes.mapping[_convert(told["identity"], Identity)] = told["profile"]
    elif "links" in told:
        changes.links[_convert(told["identity"], Identity)] = _convert(told["links"], list[Link])
    elif "apart" in told:
        changes.apart[_convert(told["identity"], Identity)] = _convert(told["apart"], list[Identity])
    else:
        changes.suppressed[name] = float(told["at"])


def _graph(changes: LinkChanges, plan: Plan) -> dict[str, list[Identity]]:
    """The identities of each profile: those mapped to it, and the one that it is by itself, which only links name."""
    held: defaultdict[str, set[Identity]] = defaultdict(set)
    for identity, profile in changes.mapping.items():
        if profile is not None:
            held[profile].add(identity)
    named = {identity for links in changes.links.values() for link in links or () for identity in link.identities}
    for identity in named - changes.mapping.keys():
        if (home := profile_id(plan.namespace, identity)) in held:
            held[home].add(identity)
    return {profile: sorted(identities) for profile, identities in held.items()}
