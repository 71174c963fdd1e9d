"""Compacting: one file for each day that is over, or for each month that is long over, and for its links."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa

from analysis.archive.columns import EVENTS, LINKS, with_facts
from analysis.archive.facts import FactsOf
from analysis.archive.folder import ROW_GROUP
from analysis.archive.manifests import File
from analysis.archive.reader import Vanished, slices
from streams.archive.manifest_log import Changed, ManifestLog
from streams.archive.write import again, read_table

__all__ = ["MONTH_BYTES", "Compacted", "compact", "rewritten"]

MONTH_BYTES = 256 * 1024 * 1024
"""Of a month's files that become one."""


@dataclass(slots=True)
class Compacted:
    """What a compaction came to."""

    days: int = 0
    files_before: int = 0
    files_after: int = 0
    bytes_before: int = 0
    bytes_after: int = 0
    repeats: int = 0  # rows of events that were there twice


def compact(
    log: ManifestLog,
    before: str,
    facts: FactsOf,
    tell: Callable[[int, int], None] = lambda done, of: None,
    *,
    months: str = "",
) -> Compacted:
    """Make one file of the files of each day before `before` (YYYY-MM-DD). May run beside an archiver.

    Each day is a manifest of its own, so a crash leaves whole days, compacted or not. Facts stay as they are where all
    files of a day have them by one plan, else they are derived anew.

    Args:
        log: of the archive.
        before: the first day that is left as it is.
        facts: what events are about, as columns.
        tell: hears how many days of how many are done.
        months: of months before that of this day (YYYY-MM-DD) one file each, as large as object stores like them; it is
            named by the first day. A month that comes to more stays in days.
    """
    sums = Compacted()
    todo = sorted(_many(log, before, months))
    for done, (table, day) in enumerate(todo):
        tell(done, len(todo))
        while True:
            old = _many(log, before, months).get((table, day))
            if old is None:
                break
            try:
                new = _merged(log, day, old, facts)
            except (Changed, Vanished) as error:
                again(log, error)
                continue
            _add(sums, old, new)
            break
    tell(len(todo), len(todo))
    return sums


def _many(log: ManifestLog, before: str, months: str) -> dict[tuple[str, str], list[File]]:
    """Tables and days, or first days of months, with several files."""
    found: defaultdict[tuple[str, str], list[File]] = defaultdict(list)
    over = [file for file in log.state.files.values() if file.day < before and file.table != "profiles"]
    sizes: Counter[tuple[str, str]] = Counter()
    for file in over:
        sizes[file.table, file.day[:7]] += file.bytes
    for file in over:
        month = file.day[:7]
        whole = month < months[:7] and sizes[file.table, month] <= MONTH_BYTES
        found[file.table, f"{month}-01" if whole else file.day].append(file)
    return {key: files for key, files in found.items() if len(files) > 1}


def _merged(log: ManifestLog, day: str, old: list[File], facts: FactsOf) -> File:
    """One file in place of several of a table, which no longer count.

    Args:
        log: of the archive.
        day: that it is named by.
        old: the files.
        facts: what events are about, as columns.

    Raises:
        Changed, Vanished: they are no longer there.
    """
    derived = {file.facts for file in old}
    anew = old[0].table == "events" and (len(derived) > 1 or "" in derived)
    new = rewritten(log, old, facts if anew else None, day)
    try:
        log.replace([new], old)
    except BaseException:
        log.drop([new.path])
        raise
    return new


def rewritten(log: ManifestLog, old: list[File], facts: FactsOf | None, day: str = "") -> File:
    """A new file with the rows of several of a table, sorted, each event once; it does not count yet.

    Args:
        log: of the archive.
        old: the files.
        facts: derives what events are about anew; None: it stays.
        day: that it is named by; that of the first if empty.

    Raises:
        Changed, Vanished: they are no longer there.
    """
    table, day = old[0].table, day or old[0].day
    path = log.name(table, day)
    rows = 0
    try:
        with log.folder.writer(path, EVENTS if table == "events" else LINKS) as writer:
            for part in slices(log.folder, old) if table == "events" else _links(log, old):
                ordered = part.sort_by(_ORDER)
                writer.write_table(with_facts(ordered, facts) if facts else ordered, row_group_size=ROW_GROUP)
                rows += part.num_rows
        by = facts.fingerprint if facts else old[0].facts
        return File(path, table, day, rows, log.folder.size(path), max(file.newest for file in old), by)
    except BaseException:
        log.drop([path])
        raise


_ORDER = [("home", "ascending"), ("time", "ascending"), ("log_offset", "ascending")]


def _links(log: ManifestLog, old: list[File]) -> list[pa.Table]:
    """All rows of these files, with the columns of now: earlier versions wrote fewer."""
    tables = [LINKS.empty_table(), *(read_table(log.folder, file, None) for file in old)]
    return [pa.concat_tables(tables, promote_options="default")]


def _add(sums: Compacted, old: list[File], new: File) -> None:
    sums.days += new.table == "events"
    sums.files_before += len(old)
    sums.files_after += 1
    sums.bytes_before += sum(file.bytes for file in old)
    sums.bytes_after += new.bytes
    if new.table == "events":
        sums.repeats += sum(file.rows for file in old) - new.rows
