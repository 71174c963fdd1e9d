"""The outbox: what was committed is produced, in order, at least once, each record under an id that never changes.

Documents are not kept twice: an output of `profile.changes` without a value names profiles, whose present documents
are what is produced. After a crash that may be a newer document than the one committed then, which is what a
compacted topic wants.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

from profiles.store import Output
from streams.output import BatchProducer, Row
from streams.settings import Settings
from streams.topics import PROFILE_CHANGES, topic_name

__all__ = ["Fetch", "Outbox"]

Fetch = Callable[[list[str]], Awaitable[dict[str, bytes]]]


async def _none(_: list[str]) -> dict[str, bytes]:
    return {}


class Unit(Protocol):
    """What has an outbox."""

    async def outbox(self) -> list[tuple[int, list[Output]]]: ...

    async def clear_outbox(self, up_to: int) -> None: ...


class Outbox:
    """Produces committed outputs."""

    def __init__(self, producer: BatchProducer, settings: Settings) -> None:
        self._producer = producer
        self._settings = settings
        self._names: dict[str, str] = {}

    async def deliver(self, outputs: Iterable[Output], applied: int, fetch: Fetch = _none) -> None:
        """Produce outputs; returns when Kafka has them.

        Args:
            outputs: in the order of their commits.
            applied: offset up to which the documents have applied the log; noted beside each.
            fetch: answers present documents by profile id.
        """
        rows: list[Row] = []
        for output in outputs:
            if output.topic == PROFILE_CHANGES and not output.key:
                rows += await self._documents(output, applied, fetch)
            else:
                rows.append(
                    Row(
                        self._name(output.topic),
                        output.partition,
                        output.key,
                        output.value,
                        [("id", output.id.encode())],
                    )
                )
        if rows:
            await self._producer.produce(rows)

    async def recover(self, unit: Unit, fetch: Fetch = _none, applied: int = -1) -> int:
        """Produce what a unit's last writer may have left; answer the version up to which all is produced."""
        entries = await unit.outbox()
        if not entries:
            return 0
        await self.deliver([output for _, part in entries for output in part], applied, fetch)
        version = entries[-1][0]
        await unit.clear_outbox(version)
        return version

    async def _documents(self, output: Output, applied: int, fetch: Fetch) -> list[Row]:
        ids = output.value.decode().split("\n")
        topic, headers = self._name(PROFILE_CHANGES), [("applied", str(applied).encode())]
        return [
            Row(topic, output.partition, id_.encode(), document, headers)
            for id_, document in (await fetch(ids)).items()
        ]

    def _name(self, base: str) -> str:
        return self._names.setdefault(base, topic_name(self._settings, base))
