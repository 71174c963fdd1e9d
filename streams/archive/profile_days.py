"""Profiles by day, from `profile.changes`: at the end of each local day those that changed on it, each Monday all.

What the day of a change is, Kafka's timestamp of the document says: when it was committed. `profile.changes` is
compacted, so of an archiver that was away there is what a profile was in the end. Nothing of a day that is not over is
written: the next run begins with the first document of it.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
from aiokafka.structs import ConsumerRecord

from analysis.archive.manifests import File, State
from analysis.archive.profile_rows import PROFILES, profile_row
from plan import Plan
from profiles.documents import decode_profile
from profiles.errors import RapportError
from profiles.identity.secrets import suppression
from profiles.types import is_cell
from streams.archive.manifest_log import Changed, ManifestLog
from streams.archive.write import again
from streams.kafka.client import Unavailable
from streams.kafka.outbox import MARKER
from streams.kafka.reader import Extent, Log, NoTopic
from streams.kafka.topics import PROFILE_CHANGES, topic_name
from streams.settings import Settings

__all__ = ["Snapped", "keep_snapshots", "snapshot"]

log = logging.getLogger(__name__)

_GRACE = 120.0  # seconds after midnight: documents of the day before may still be on their way
_RETRY = 300.0

Row = tuple[Any, ...]
_CUSTOMER, _COMPANY = PROFILES.get_field_index("customer"), PROFILES.get_field_index("company")
_PLACE = [PROFILES.get_field_index(name) for name in ("day", "changed", "log_partition", "log_offset")]


@dataclass(slots=True)
class Snapped:
    """What came to the archive."""

    days: int = 0
    profiles: int = 0  # rows
    bytes: int = 0


async def snapshot(
    manifests: ManifestLog,
    kafka: Log,
    settings: Settings,
    plan: Plan,
    now: float,
    tell: Callable[[int, int], None] = lambda done, of: None,
) -> Snapped:
    """Write the profiles of the local days that are over. May run beside an archiver; of two runs one counts.

    Args:
        manifests: of the archive.
        kafka: the log.
        settings: the topics' prefix.
        plan: whose zone says when a day is over, and whose key tells erased customers.
        now: seconds.
        tell: hears how many records of how many were read.

    Raises:
        NoTopic: there is no `profile.changes` yet.
        Unavailable: Kafka does not answer.
        OSError: the archive cannot be written.
    """
    topic = topic_name(settings, PROFILE_CHANGES)
    while True:
        await asyncio.to_thread(manifests.catch_up)
        extents = [_left(extent, manifests.state) for extent in await kafka.extents(topic)]
        read = _Read(manifests.state, plan, now)
        total, done = sum(extent.records for extent in extents), 0
        ends = {extent.partition: extent.end for extent in extents}
        async for batch in kafka.read(extents, accept_gaps=True):
            read.take(batch.partition, batch.records)
            done += len(batch.records)
            tell(min(done, total), total)
        moved = {extent.partition: (extent.start, read.stops.get(extent.partition, extent.end)) for extent in extents}
        assert all(moved[number][1] <= end for number, end in ends.items())
        if all(begin == end for begin, end in moved.values()):
            return Snapped()
        try:
            return await asyncio.to_thread(_write, manifests, read.days, moved)
        except Changed as error:
            again(manifests, error)


async def keep_snapshots(
    open_log: Callable[[], ManifestLog],
    kafka: Log,
    settings: Settings,
    plan: Plan,
    clock: Callable[[], float],
    stop: asyncio.Event,
) -> None:
    """Do it now, and after the end of each local day, until `stop`."""
    told = ""
    while not stop.is_set():
        wait = _until_midnight(clock(), plan) + _GRACE
        try:
            done = await snapshot(await asyncio.to_thread(open_log), kafka, settings, plan, clock())
            told = ""
            if done.days:
                log.info("archived %d profiles of %d days", done.profiles, done.days)
        except (RapportError, Unavailable, OSError) as error:
            wait = _RETRY
            if str(error) != told and not isinstance(error, NoTopic):
                told = str(error)
                log.warning("profiles by day wait: %s", error)
        except Exception:  # events go on being archived, whatever a document holds
            wait = _RETRY
            log.exception("profiles by day cannot be written; trying again in %.0f s", wait)
        try:
            await asyncio.wait_for(stop.wait(), wait)
        except TimeoutError:
            continue


class _Read:
    """What was read: of each day that is over the newest row of everybody who changed."""

    def __init__(self, state: State, plan: Plan, now: float) -> None:
        self.days: defaultdict[date, dict[str, Row]] = defaultdict(dict)
        self.stops: dict[int, int] = {}  # partition → the first offset of a day that is not over
        self._plan = plan
        self._zone = ZoneInfo(plan.file.timezone)
        self._today = datetime.fromtimestamp(now, self._zone).date()
        self._erased: Mapping[str, float] = state.erased
        self._digest = partial(suppression, plan.pii_key)

    def take(self, partition: int, records: Any) -> None:
        """Take in records of a partition, in its order."""
        newest: dict[tuple[date, bytes], ConsumerRecord] = {}
        for record in records:
            if partition in self.stops:
                return
            day = datetime.fromtimestamp(record.timestamp / 1000, self._zone).date()
            if day >= self._today:
                self.stops[partition] = record.offset
                break
            if record.key != MARKER:
                newest[day, record.key] = record
        for (day, key), record in newest.items():
            self._note(day, key.decode(), record)

    def _note(self, day: date, id_: str, record: ConsumerRecord) -> None:
        at = record.timestamp / 1000
        if not record.value or is_cell(id_) or self._drops(id_, at):
            self.days[day].pop(id_, None)
            return
        profile = decode_profile(id_, record.value)
        if profile.redirect or profile.created is None:
            self.days[day].pop(id_, None)
            return
        row = list(profile_row(profile, day, at, (record.partition, record.offset), self._plan))
        key = row[_COMPANY]
        if (
            key is not None
            and profile.company is None
            and self._plan.group
            and self._drops(self._plan.company(key), at)
        ):
            row[_COMPANY] = None
        self.days[day][id_] = tuple(row)

    def _drops(self, id_: str, at: float) -> bool:
        since = self._erased.get(self._digest(id_)) if self._erased else None
        return since is not None and (since > 0 or at < -since)


def _left(extent: Extent, state: State) -> Extent:
    """What is still to be read of a partition; all of it, if the topic was made anew."""
    known = state.snapshots.get(extent.partition, extent.start)
    return extent._replace(start=max(known, extent.start) if known <= extent.end else extent.start)


def _write(manifests: ManifestLog, days: Mapping[date, dict[str, Row]], moved: dict[int, tuple[int, int]]) -> Snapped:
    begins = {number: (manifests.state.snapshots.get(number, begin), end) for number, (begin, end) in moved.items()}
    done, written = Snapped(), []
    held = {day: _table(rows.values()) for day, rows in days.items() if rows}
    monday = max((day for day in held if day.weekday() == 0), default=None)
    try:
        for day, table in sorted(held.items()):
            whole = day == monday
            rows = _everybody(manifests, held, day) if whole else table
            path = manifests.name("profiles", day.isoformat())
            size = manifests.folder.write_table(path, rows)
            number = manifests.state.number + 1
            written.append(File(path, "profiles", day.isoformat(), rows.num_rows, size, number, "all" if whole else ""))
            done.days += 1
            done.profiles += rows.num_rows
            done.bytes += size
        manifests.snapshot(written, begins)
    except BaseException:
        manifests.drop([file.path for file in written])
        raise
    return done


def _table(rows: Any) -> pa.Table:
    columns = list(zip(*sorted(rows), strict=True))
    return pa.table([pa.array(column, field.type) for column, field in zip(columns, PROFILES, strict=True)], PROFILES)


def _everybody(manifests: ManifestLog, held: Mapping[date, pa.Table], day: date) -> pa.Table:
    """The newest row of everybody up to a day, as of that day."""
    files = [file for file in manifests.state.of("profiles") if file.day <= day.isoformat()]
    last = max((file.day for file in files if file.facts == "all"), default="")
    tables = [_file(manifests, file) for file in files if file.day >= last]
    tables += [table for other, table in sorted(held.items()) if other <= day]
    rows = pa.concat_tables(tables).sort_by([(PROFILES.names[place], "ascending") for place in _PLACE])
    newest = {customer: number for number, customer in enumerate(rows["customer"].to_pylist())}
    kept = rows.take(pa.array(newest.values(), pa.int64())).sort_by("customer")
    place = PROFILES.get_field_index("day")
    return kept.set_column(place, PROFILES.field("day"), pa.array([day] * kept.num_rows, pa.date32()))


def _file(manifests: ManifestLog, file: File) -> pa.Table:
    try:
        with manifests.folder.fs.open(manifests.folder.path(file.path), "rb") as source:
            return pq.ParquetFile(source).read().cast(PROFILES)
    except FileNotFoundError as error:
        raise Changed from error


def _until_midnight(now: float, plan: Plan) -> float:
    """Seconds until the local day is over."""
    zone = ZoneInfo(plan.file.timezone)
    tomorrow = datetime.fromtimestamp(now, zone).date() + timedelta(days=1)
    return datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=zone).timestamp() - now
