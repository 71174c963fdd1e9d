"""Writing a segment's table from the store: its next version, if anything is other than in the one before."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence

import msgspec
import pyarrow as pa

from analysis.archive.folder import Folder
from plan import Plan
from profiles.errors import Misconfigured, RapportError
from profiles.store import Reader
from profiles.types import Profile
from streams.settings import Settings
from streams.sinks.audiences.member_rows import CHANGES, Change, MemberRows, Row, digests, moves
from streams.sinks.audiences.versions import Overtaken, Tables, Version

__all__ = ["AudienceWriter", "Written", "audiences_folder"]

log = logging.getLogger(__name__)

_PAGE = 1000
_TRIES = 3  # several writers of one segment at a time are a mistake that does no harm


class Written(msgspec.Struct, frozen=True):
    """What became of a segment's table."""

    segment: str
    outcome: (
        str  # written; unchanged; anew: there are no changes to be read, as the version before is lost or the first
    )
    version: int
    rows: int
    entered: int = 0
    left: int = 0
    changed: int = 0


class AudienceWriter:
    """Writes the tables of a plan's audiences.

    Args:
        reader: of the store.
        plan: with `audiences`.
        folder: where the tables are.
        now: answers the time, seconds.

    Raises:
        Misconfigured: the plan names no audiences.
    """

    def __init__(self, reader: Reader, plan: Plan, folder: Folder, now: Callable[[], float]) -> None:
        spec = plan.file.audiences
        if spec is None:
            raise Misconfigured("the plan has no `audiences`, so there is nothing to write: docs/delivery.md says how")
        self.spec = spec
        self.folder = folder
        self.rows = MemberRows(plan, spec)
        self._reader = reader
        self._plan = plan
        self._now = now

    async def write(self, segment: str, besides: Iterable[str] = ()) -> Written:
        """Write a segment's table as the store has it now.

        Args:
            segment: its name.
            besides: ids of profiles to look at, too, though the index of members may not have them.

        Raises:
            RapportError: the store is empty, or what is written already cannot be read.
            OSError: the folder cannot be written to.
        """
        asked = list(besides)
        for _ in range(_TRIES):
            try:
                return await self._write(segment, asked)
            except Overtaken:
                log.info("audience %s: another process has written the next version; looking again", segment)
        raise RapportError(f"audience {segment}: other processes write it all the time; run one")

    async def _write(self, segment: str, besides: Sequence[str]) -> Written:
        tables = Tables(self.folder, segment)
        at = self._now()
        before = await asyncio.to_thread(tables.newest)
        if before is not None and before.rows and not await self._reader.count():
            raise RapportError(
                f"the store is empty, and {before.rows} are in the audience {segment}: it is left as it is"
            )
        held = None if before is None else await asyncio.to_thread(_read, tables, before)
        found, reasons = await self._members(segment, [*(held or ()), *besides])
        return await asyncio.to_thread(self._publish, tables, before, held, found, reasons, at)

    async def _members(self, segment: str, besides: Sequence[str]) -> tuple[pa.Table, dict[str, str]]:
        """The table as the store has it, and why those who were asked for besides, or are in the index, are not in it.

        The index is read in pages while it moves, so who it does not show, and who was in the table, is asked for.
        """
        parts: list[pa.Table] = []
        seen: set[str] = set()
        reasons: dict[str, str] = {}

        async def take(ids: list[str]) -> None:
            fresh = [id_ for id_ in dict.fromkeys(ids) if id_ not in seen]
            seen.update(fresh)
            profiles = await self._reader.profiles(fresh)
            rows = []
            for id_ in fresh:
                row, reason = self.judge(id_, profiles.get(id_), segment)
                if row is not None:
                    rows.append(row)
                elif reason:
                    reasons[id_] = reason
            parts.append(await asyncio.to_thread(self.rows.table, rows))

        cursor: str | None = None
        while True:
            page, cursor = await self._reader.members(segment, limit=_PAGE, cursor=cursor)
            await take([id_ for id_, _ in page])
            if cursor is None:
                break
        rest = [id_ for id_ in besides if id_ not in seen]
        for start in range(0, len(rest), _PAGE):
            await take(rest[start : start + _PAGE])
        table = await asyncio.to_thread(lambda: pa.concat_tables(parts).sort_by("profile"))
        return table, reasons

    def judge(self, id_: str, profile: Profile | None, segment: str) -> tuple[Row | None, str]:
        """The row of who is in the table of a segment, or why they are not.

        Args:
            id_: as it was asked for.
            profile: that it has led to: another one, if the two have become one.
            segment: its name.
        """
        if profile is None or profile.id != id_:
            return None, "gone"
        reason = self.rows.reason(profile, segment)
        return (self.rows.row(profile, segment), "") if reason is None else (None, reason)

    def _publish(
        self, tables: Tables, before: Version | None, held: dict[str, bytes] | None, found: pa.Table,
        reasons: dict[str, str], at: float,
    ) -> Written:  # fmt: skip
        counts = dict.fromkeys(("entered", "left", "changed"), 0)
        changes: pa.Table | None = None
        if held is not None and before is not None:
            stays = dict(zip(found["profile"].to_pylist(), found["since"].cast(pa.int64()).to_pylist(), strict=True))
            changed = list(moves(held, digests(found), stays.__getitem__, reasons))
            for each in changed:
                counts[each.change] += 1
            if not changed:
                # Whoever reads the version before has had as long as a look takes to come round.
                tables.tidy(before, old=at - before.at >= self.spec.every)
                return Written(before.segment, "unchanged", before.number, before.rows)
            changes = _table(changed, at)
        version = tables.publish(before, found, changes, at=at, plan=self._plan.file.version, keep=self.spec.keep)
        outcome = "anew" if changes is None else "written"
        return Written(version.segment, outcome, version.number, version.rows, **counts)


def audiences_folder(settings: Settings) -> Folder:
    """Where the tables are.

    Raises:
        Misconfigured: no folder is named, or it cannot be opened.
    """
    url = settings.audiences or settings.archive
    if not url:
        raise Misconfigured(
            "no folder is named for audiences; set RAPPORT_AUDIENCES (or RAPPORT_ARCHIVE) to a folder or a URL such "
            "as s3://bucket/rapport"
        )
    return Folder(url, "RAPPORT_AUDIENCES" if settings.audiences else "RAPPORT_ARCHIVE")


def _read(tables: Tables, version: Version) -> dict[str, bytes] | None:
    """The digests of a version's rows; None if its file is missing or damaged, or another writer has taken it away."""
    try:
        table = tables.read(version)
    except (OSError, pa.ArrowException) as error:
        newest = tables.newest()
        if newest is not None and newest.number > version.number:
            raise Overtaken from error
        log.warning("audience %s: version %d is lost (%s); it is begun anew", version.segment, version.number, error)
        return None
    if table.num_rows != version.rows or "profile" not in table.column_names:
        log.warning("audience %s: version %d is not as it was written", version.segment, version.number)
        return None
    return digests(table)


def _table(changes: list[Change], at: float) -> pa.Table:
    moment = round(at * 1e6)
    return pa.Table.from_pylist([{**each._asdict(), "at": moment} for each in changes], CHANGES)
