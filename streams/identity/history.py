"""The history of a few customers: all events that came to their homes, from the archive and from Kafka."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

import msgspec

from profiles.errors import RapportError
from profiles.types import Erase, Event, Origin, Record, partition_of
from streams.background import in_background
from streams.kafka.client import Unavailable
from streams.kafka.reader import Extent, Log, Missing
from streams.kafka.topics import IDENTITY_LINKS, PROFILE_EVENTS, topic_name
from streams.settings import Settings

__all__ = ["HISTORY_INCOMPLETE", "Cutovers", "History", "Incomplete"]

Cutovers = Mapping[str, tuple[int, int]]
"""Home → its partition, and the offset before which its events are wanted."""

HISTORY_INCOMPLETE = "history incomplete: "
"""The beginning of the reason for which a split is refused if its profiles could not be computed."""

_CHECK = 15.0  # seconds that the linker, and all links behind it, wait at most to know whether a history can be read

_decode = msgspec.msgpack.Decoder(Record).decode


class Incomplete(RapportError):
    """Kafka no longer has the beginning, and the archive does not have it either."""


class History:
    """Every event there ever was: the archive, and behind it the log.

    Args:
        log: that holds `profile.events`.
        settings: `archive`, partitions and the topics' prefix.
        pause: seconds until who has not answered is asked again.
    """

    def __init__(self, log: Log, settings: Settings, *, pause: float = 1.0) -> None:
        self._log = log
        self._pause = pause
        self._archive = settings.archive
        self._topic = topic_name(settings, PROFILE_EVENTS)
        self._links = topic_name(settings, IDENTITY_LINKS)
        self._partitions = settings.partitions

    async def what_is_missing(self, homes: Iterable[str], *, patient: bool = False) -> str:
        """The reason why the history of these homes cannot be read any more; "" if it can.

        Args:
            homes: of one profile.
            patient: wait as long as Kafka or the archive does not answer.
        """
        partitions = {partition_of(home, self._partitions) for home in homes}
        while True:
            try:
                async with asyncio.timeout(_CHECK):
                    await self._behind_archive(partitions)
            except (TimeoutError, Unavailable) as error:
                if not patient:
                    late = f"Kafka or the archive has not answered within {_CHECK:.0f} seconds"
                    return f"{HISTORY_INCOMPLETE}{late if isinstance(error, TimeoutError) else error}"
                await asyncio.sleep(self._pause)
            except (RapportError, OSError) as error:
                return f"{HISTORY_INCOMPLETE}{error}"
            else:
                return ""

    async def end_of_links(self) -> int:
        """The offset at which `identity.links` ends by now.

        Raises:
            Unavailable: Kafka does not answer.
        """
        return (await self._log.extents(self._links))[0].end

    async def until_now(self, homes: Iterable[str]) -> list[Event]:
        """Every event that has come to these homes, once.

        Raises:
            Incomplete: not all of them can be read any more.
            Unavailable: Kafka does not answer.
        """
        ends = [extent.end for extent in await self._log.extents(self._topic)]
        placed = {home: partition_of(home, self._partitions) for home in homes}
        return await self.before({home: (partition, ends[partition]) for home, partition in placed.items()})

    async def before(self, cutovers: Cutovers) -> list[Event]:
        """Every event that came to these homes before their cutovers, once.

        Raises:
            Incomplete: not all of them can be read any more.
            Unavailable: Kafka does not answer.
        """
        behind = await self._behind_archive({partition for partition, _ in cutovers.values()})
        ends = {extent.partition: 0 for extent in behind}
        for partition, offset in cutovers.values():
            ends[partition] = max(ends[partition], offset)
        found = await in_background(self._archived, cutovers) if self._archive else []
        found = await self._logged([extent._replace(end=ends[extent.partition]) for extent in behind], cutovers, found)
        return list({(event.profile, event.source, event.id): event for event in reversed(found)}.values())

    def _archived(self, cutovers: Cutovers) -> list[Event]:
        from analysis.archive.reader import events_of  # noqa: PLC0415  (pyarrow: a worker may never need it)

        ends: dict[int, int] = {}
        for partition, offset in cutovers.values():
            ends[partition] = max(ends.get(partition, 0), offset)
        before = {home: offset for home, (_, offset) in cutovers.items()}
        return list(events_of(self._archive, list(cutovers), until=ends, before=before))

    def _progress(self) -> dict[int, int]:
        from analysis.archive.reader import progress  # noqa: PLC0415

        return progress(self._archive)

    async def _logged(self, extents: Iterable[Extent], cutovers: Cutovers, found: list[Event]) -> list[Event]:
        """What was archived, with what is in the log behind it; nothing of before a home was erased."""
        erasures: set[Origin] = set()
        try:
            async for batch in self._log.read(extents):
                for at in batch.records:
                    record = _decode(at.value)
                    until = cutovers.get(record.profile, (0, -1))[1]
                    if type(record) is Event and not record.home and at.offset < until:
                        found.append(record)
                    elif type(record) is Erase and record.profile in cutovers and record.origin not in erasures:
                        erasures.add(record.origin)  # the customer may have come back since
                        found = [event for event in found if event.profile != record.profile]
        except Missing as error:  # deleted while it was read
            raise _incomplete(error.lost[0]) from error
        return found

    async def _behind_archive(self, partitions: set[int]) -> list[Extent]:
        """What of these partitions is to be read behind the archive."""
        archived = await in_background(self._progress) if self._archive else {}
        held = [extent for extent in await self._log.extents(self._topic) if extent.partition in partitions]
        for extent in held:
            if extent.start > archived.get(extent.partition, 0):
                raise _incomplete(extent)
        return [extent._replace(start=max(extent.start, archived.get(extent.partition, 0))) for extent in held]


def _incomplete(extent: Extent) -> Incomplete:
    return Incomplete(
        f"the events that Kafka has already deleted from partition {extent.partition} of {extent.topic} are not in an "
        "archive. Run `rapport archive` from the beginning, and set RAPPORT_ARCHIVE for the workers and the console, "
        "too"
    )
