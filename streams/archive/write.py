"""Writing one flush, and taking erased customers and companies out of the files that hold them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from analysis.archive.columns import EVENTS, Link, Placed, day_of, events_in, links_table, to_table
from analysis.archive.facts import FactsOf
from analysis.archive.folder import Folder
from analysis.archive.manifests import File
from analysis.tables.units import prune
from profiles.errors import RapportError
from profiles.types import Event, Grouping, is_company
from streams.archive.gather import Gathered, Unnaming, without_company
from streams.archive.manifest_log import Changed, ManifestLog

__all__ = ["again", "keys_of", "read_table", "write_flush"]


def write_flush(
    log: ManifestLog, held: Gathered, at: float, facts: FactsOf, unnaming: Unnaming = lambda drops: lambda event: event
) -> list[File]:
    """Put what was gathered into the archive; answer the new files. Either all of it counts, or nothing.

    Args:
        log: of the archive.
        held: what was gathered.
        at: now, seconds.
        facts: what the events are about, as columns.
        unnaming: as that of a `Gatherer`.

    Raises:
        Overtaken: another archiver is at work.
        OSError: the filesystem does not take it; to be tried again.
    """
    while True:
        written: list[File] = []
        try:
            written += _new_files(log, held, facts)
            unname = unnaming(lambda home, time: home in held.erased)
            removed = _without(log, held.erased.keys(), unname, facts, written) if held.erased else []
            log.flush(
                add=written,
                remove=removed,
                read=held.read,
                origins=dict(held.origins),
                erased=dict.fromkeys(held.erased.values(), at)
                | {digest: -since for digest, since in held.lifted.values()},
            )
        except Changed as error:
            log.drop([file.path for file in written])
            again(log, error)
        except BaseException:
            log.drop([file.path for file in written])
            raise
        else:
            if held.erased:  # nor in what analyses have made of the files that held them
                prune(log.folder, log.state)
            return written


def again(log: ManifestLog, error: Exception) -> None:
    """Catch up with those who have changed what was to be read or replaced.

    Raises:
        RapportError: nobody has, so files are missing that should be there.
    """
    if not log.catch_up() and isinstance(error.__cause__, FileNotFoundError):
        raise RapportError(f"a file of the archive is missing; restore it: {error.__cause__}") from error


def keys_of(folder: Folder, file: File) -> Iterator[tuple[str, str, str]]:
    """Home, source and id of every event in a file."""
    table = read_table(folder, file, ["home", "source", "id"])
    return zip(*(table[name].to_pylist() for name in ("home", "source", "id")), strict=True)


def _new_files(log: ManifestLog, held: Gathered, facts: FactsOf) -> Iterator[File]:
    events: defaultdict[str, list[Placed]] = defaultdict(list)
    for row in held.rows:
        events[day_of(row.event.time)].append(row)
    for day, rows in events.items():
        yield _write(log, "events", day, to_table(rows, facts), log.state.number + 1, facts.fingerprint)
    links: defaultdict[str, list[Link]] = defaultdict(list)
    for link in held.links:
        links[day_of(link.time)].append(link)
    for day, found in links.items():
        yield _write(log, "links", day, links_table(found), log.state.number + 1)


def _without(
    log: ManifestLog,
    homes: Collection[str],
    unname: Callable[[Event], Event],
    facts: FactsOf,
    written: list[File],
) -> list[str]:
    """Write the files that hold rows of these homes anew without them, and without the names of those that are
    companies; answer the paths of the old ones."""
    gone = pa.array(list(homes), pa.string())
    companies = any(map(is_company, homes))
    removed = []
    for file in list(log.state.files.values()):
        if file.table == "profiles":
            removed += _without_profiles(log, file, gone, unname if companies else None, written)
            continue
        columns = ["home"] if file.table == "events" else ["home", "profile"]
        hit = _hit(read_table(log.folder, file, columns), columns, gone)
        named = _naming(log, file, unname) if companies and file.table == "events" else None
        if pc.any(hit).as_py() or named is not None:
            whole = read_table(log.folder, file, None)
            rest = whole.filter(pc.invert(hit))
            if named is not None:
                rest = _unnamed(rest, named.filter(pc.invert(hit)), unname, facts)
            if companies and file.table == "links":
                rest = _with_words(rest, whole.filter(hit), homes)
            if rest.num_rows:
                written.append(_write(log, file.table, file.day, rest, file.newest, file.facts))
            removed.append(file.path)
    return removed


def _without_profiles(
    log: ManifestLog, file: File, gone: pa.Array, unname: Callable[[Event], Event] | None, written: list[File]
) -> list[str]:
    """Write a file of profiles by day anew without these, and without the names of companies among them."""
    hit = pc.is_in(read_table(log.folder, file, ["customer"])["customer"], gone)
    named: list[str] = []
    if unname is not None:
        held = pc.unique(read_table(log.folder, file, ["company"])["company"]).to_pylist()
        named = [key for key in held if key and _names_one_taken_out(Grouping(key), unname)]
    if not named and not pc.any(hit).as_py():
        return []
    rest = read_table(log.folder, file, None).filter(pc.invert(hit))
    if named:
        column = rest.schema.get_field_index("company")
        known = pc.is_in(rest["company"], pa.array(named, pa.string()))
        kept = pc.if_else(known, pa.scalar(None, pa.string()), rest["company"])
        rest = rest.set_column(column, rest.schema.field(column), kept)
    if rest.num_rows:
        written.append(_write(log, file.table, file.day, rest, file.newest, file.facts))
    return [file.path]


def _with_words(rest: pa.Table, hit: pa.Table, erased: Collection[str]) -> pa.Table:
    """These rows with what other companies said of those that were erased: they are none of them any more."""
    words = [
        without_company(Link(**{**row, "time": row["time"].timestamp()}), row["profile"])
        for row in hit.to_pylist()
        if row["kind"] == "company" and row["home"] not in erased
    ]
    return pa.concat_tables([rest, links_table(words)], promote_options="default") if words else rest


def _naming(log: ManifestLog, file: File, unname: Callable[[Event], Event]) -> Any:
    """Which rows of a file name a company that is to be taken out; None if none does."""
    groups = read_table(log.folder, file, ["group", "home"])
    if "group" not in groups.column_names:
        return None
    texts = groups["group"]
    told = [text for text in pc.unique(texts).to_pylist() if text and _is_taken_out(text, unname)]
    hit = pc.is_in(texts, pa.array(told, pa.string()))
    return hit if told and pc.any(hit).as_py() else None


def _is_taken_out(text: str, unname: Callable[[Event], Event]) -> bool:
    return _names_one_taken_out(Grouping(**orjson.loads(text)), unname)


def _names_one_taken_out(group: Grouping, unname: Callable[[Event], Event]) -> bool:
    event = Event("", "", "", "group", "", "", 0.0, 0.0, group=group)
    return unname(event) is not event


def _unnamed(table: pa.Table, hit: Any, unname: Callable[[Event], Event], facts: FactsOf) -> pa.Table:
    """A table whose rows of a company no longer name it, nor have facts of it; in the same order."""
    rows = pc.indices_nonzero(hit)
    named = pa.concat_tables([EVENTS.empty_table(), table.take(rows)], promote_options="default")
    places = zip(*(named[name].to_pylist() for name in ("log_partition", "log_offset")), strict=True)
    placed = [Placed(unname(event), *place) for event, place in zip(events_in(named), places, strict=True)]
    rest = pa.concat_tables([EVENTS.empty_table(), table.filter(pc.invert(hit))], promote_options="default")
    order = [("home", "ascending"), ("time", "ascending"), ("log_offset", "ascending")]
    return pa.concat_tables([rest, to_table(placed, facts)]).sort_by(order)


def _hit(table: pa.Table, columns: Sequence[str], gone: pa.Array) -> Any:
    hit = pc.is_in(table[columns[0]], gone)
    for column in columns[1:]:
        hit = pc.or_(hit, pc.is_in(table[column], gone))
    return hit


def read_table(folder: Folder, file: File, columns: list[str] | None) -> pa.Table:
    """The rows of one file.

    Raises:
        Changed: it is no longer there.
    """
    try:
        with folder.fs.open(folder.path(file.path), "rb") as source:
            return pq.ParquetFile(source).read(columns)
    except FileNotFoundError as error:
        raise Changed from error


def _write(log: ManifestLog, table: str, day: str, rows: pa.Table, newest: int, facts: str = "") -> File:
    path = log.name(table, day)
    size = log.folder.write_table(path, rows)
    return File(path, table, day, rows.num_rows, size, newest, facts)
