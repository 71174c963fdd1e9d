"""The outbox: what was committed is produced, in order, at least once, each record under an id that never changes.

Documents are not kept twice: an output of `profile.changes` without a value names profiles, whose present documents
are what is produced. After a crash that may be a newer document than the one committed then, which is what a
compacted topic wants.

What a rebuild reads comes last, and behind it a *marker* that says how far its writer had come with it: documents, and
in the same way the linker's news. So a rebuild knows what belongs together, and that whatever it has caused is in Kafka
too. Headers say in which order it was committed: a worker that was paused may put older news behind its successor's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence

import msgspec

from profiles.store import ArrivalRate, Changes, Loaded, Output
from profiles.types import ERASED
from profiles.units import Unit
from streams.kafka.output import Places, Row
from streams.kafka.topics import IDENTITY_CHANGES, PROFILE_CHANGES, TOLD, topic_name
from streams.settings import Settings

__all__ = ["ERASURE", "MARKER", "Fetch", "Marker", "Outbox"]

Fetch = Callable[[list[str]], Awaitable[dict[str, bytes]]]

MARKER = b"@commit"
"""The key of markers."""

ERASURE = "erased"
"""A header of what is gone because it was erased: a company may also be gone because nobody is in it."""

_TOMBSTONE = b"\xc1" + bytes((len(ERASED),)) + ERASED.encode()  # see profiles.documents

_encode = msgspec.msgpack.Encoder().encode


class Marker(msgspec.Struct, array_like=True, gc=False):
    """How far a partition had come with the documents before it."""

    version: int = 0
    applied: int = -1
    watermark: float = 0.0
    origins: dict[str, int] = {}
    ahead: dict[str, int] = {}
    arrival_rates: dict[str, ArrivalRate] = {}

    @classmethod
    def of(cls, held: Loaded) -> Marker:
        """The marker of a partition as the store holds it."""
        return cls(held.version, held.applied, held.watermark, held.origins, held.ahead, held.arrival_rates)


async def _none(_: list[str]) -> dict[str, bytes]:
    return {}


class Outbox:
    """Produces committed outputs."""

    def __init__(self, producer: Places, settings: Settings) -> None:
        self._producer = producer
        self._settings = settings
        self._names: dict[str, str] = {}

    async def deliver(
        self,
        outputs: Iterable[Output],
        marker: Marker | None = None,
        fetch: Fetch = _none,
        *,
        version: int | None = None,
    ) -> None:
        """Produce outputs; returns when Kafka has them.

        Args:
            outputs: in the order of their commits.
            marker: how far the partition has come with the documents.
            fetch: answers present documents by profile id; those that are left out are gone.
            version: of the commit, where a rebuild needs to know it.
        """
        rows: list[Row] = []
        last: list[Row] = []
        of_commit = [] if version is None else [("version", str(version).encode())]
        for output in outputs:
            if marker is not None and output.topic == PROFILE_CHANGES and not output.key:
                last += await self._documents(output, marker, fetch)
            else:
                headers = [("id", output.id.encode()), *of_commit]
                row = Row(self._name(output.topic), output.partition, output.key, output.value or None, headers)
                (last if output.topic == IDENTITY_CHANGES else rows).append(row)
        if marker is not None and last:
            last.append(msgspec.structs.replace(last[-1], key=MARKER, value=_encode(marker)))
        if rows:
            await self._producer.produce(rows)
        if last:
            await self._producer.produce(last)

    async def deliver_commits(self, commits: Sequence[tuple[Changes, Marker]]) -> dict[int, dict[str, tuple[int, int]]]:
        """Produce the outputs of several partitions' commits; returns when Kafka has them.

        Documents and markers come last. Of several commits of a partition, each document goes out once, the newest,
        with the marker of the last: as if they had been one.

        Returns:
            By partition, of the topics of `TOLD` that anything went to, where it begins there, and ends.
        """
        rows: list[Row] = []
        newest: dict[int, Marker] = {}  # by partition
        documents: dict[int, dict[str, bytes | None]] = {}  # by partition and profile
        for changes, marker in commits:
            for output in changes.outputs:
                if output.topic == PROFILE_CHANGES and not output.key:
                    newest[output.partition] = marker
                    ids = output.value.decode().split("\n")
                    documents.setdefault(output.partition, {}).update((id_, changes.documents.get(id_)) for id_ in ids)
                else:
                    headers = [("id", output.id.encode()), ("version", str(marker.version).encode())]
                    rows.append(
                        Row(self._name(output.topic), output.partition, output.key, output.value or None, headers)
                    )
        places = await self._producer.produce(rows) if rows else {}
        last: list[Row] = []
        topic = self._name(PROFILE_CHANGES)
        for partition, marker in newest.items():
            headers = _position(marker)
            bodies = documents[partition].items()
            last += [_document(topic, partition, id_, body, headers) for id_, body in bodies]
            last.append(Row(topic, partition, MARKER, _encode(marker), headers))
        if last:
            await self._producer.produce(last)
        told: dict[int, dict[str, tuple[int, int]]] = {}
        counts = Counter((row.topic, row.partition) for row in rows)
        for base in TOLD:
            for (name, partition), end in places.items():
                if name == self._name(base):
                    told.setdefault(partition, {})[base] = end - counts[name, partition], end
        return told

    async def recover(self, unit: Unit) -> int:
        """Produce what a unit's last writer may have left; answer the version up to which all is produced."""
        entries = await unit.outbox()
        if not entries:
            return 0
        for version, outputs in entries:
            await self.deliver(outputs, version=version)
        await unit.clear_outbox(version)
        return version

    async def _documents(self, output: Output, marker: Marker, fetch: Fetch) -> list[Row]:
        topic = self._name(PROFILE_CHANGES)
        headers = _position(marker)
        ids = output.value.decode().split("\n")
        found = await fetch(ids)
        return [_document(topic, output.partition, id_, found.get(id_), headers) for id_ in ids]

    def _name(self, base: str) -> str:
        return self._names.setdefault(base, topic_name(self._settings, base))


def _position(marker: Marker) -> list[tuple[str, bytes]]:
    """The headers that say after which commit a document is."""
    return [("applied", str(marker.applied).encode()), ("version", str(marker.version).encode())]


def _document(topic: str, partition: int, id_: str, body: bytes | None, headers: list[tuple[str, bytes]]) -> Row:
    """What the topic gets: of who was erased nothing but that."""
    if body is not None and body.startswith(_TOMBSTONE):
        return Row(topic, partition, id_.encode(), None, [*headers, (ERASURE, b"1")])
    return Row(topic, partition, id_.encode(), body, headers)
