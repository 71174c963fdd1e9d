"""What texts say, beside the tables of facts: no text is in it, only its language, tone and topics, by its event.

What a text says is learned from all rated ones before it, so these tables are made in the order of time, unit after
unit. With the table of a unit lies what had been learned at its end: the next one goes on from there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import ibis
import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from analysis.archive.folder import Folder
from analysis.archive.manifests import State, load
from analysis.engines.engine import READINGS
from analysis.tables.build import quoted
from analysis.tables.units import FOLDER, Unit, prune, units
from models.texts.text_reader import WRITING, ReaderState, TextReader
from models.texts.topics import Topics
from plan import Plan

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["ReadingWay", "read_archive", "read_table", "reading_way_of"]

_VERSION = 1
"""Of readings: raised when the same texts are read in another way."""

_ROWS = 5_000  # texts that are read at a time

_SCHEMA = pa.schema([(name, ibis.dtype(type_).to_pyarrow()) for name, type_ in READINGS.items()])
_KEPT = pa.schema([("state", pa.binary())])

_ASKED = """
CREATE OR REPLACE TEMP TABLE asked AS
SELECT home, us, agrees FROM {facts} WHERE agrees IS NOT NULL AND home IN (SELECT home FROM {texts} WHERE {written})
QUALIFY agrees IS DISTINCT FROM lag(agrees) OVER (PARTITION BY home ORDER BY us, log_partition, log_offset)
"""
"""What those who wrote have said of analyses, each time that it changed."""

_TEXTS = """
SELECT texts.*, coalesce(asked.agrees, {granted}) AS teaches
FROM (
    SELECT home, us, log_partition, log_offset, role, rating, text, coalesce(language, '') AS language,
        coalesce(topic, '') AS topic
    FROM {facts} WHERE {written}
) texts ASOF LEFT JOIN asked ON texts.home = asked.home AND texts.us >= asked.us
ORDER BY us, log_partition, log_offset
"""
"""Texts of a unit. Who does not agree to analyses when they write teaches nothing."""

_WRITTEN = f"text <> '' AND role IN ({', '.join(map(quoted, WRITING))})"


class ReadingWay(msgspec.Struct, frozen=True):
    """How texts are read: what of a plan it depends on."""

    topics: Topics
    granted: str  # whether who said nothing of analyses agrees to them: true or false

    @property
    def digest(self) -> str:
        """Stands for it in names."""
        said = json.dumps([_VERSION, self.granted, self.topics.words], sort_keys=True)
        return hashlib.blake2b(said.encode(), digest_size=4).hexdigest()


def reading_way_of(plan: Plan) -> ReadingWay:
    """How a plan wants texts to be read."""
    granted = str(plan.consent.defaults.get("analytics", True)).lower()
    return ReadingWay(Topics(plan.file.analyses.words_of_topics), granted)


def read_table(con: DuckDBPyConnection, facts: str, way: ReadingWay) -> pa.Table:
    """Rows of READINGS of a whole table of facts."""
    con.execute(_ASKED.format(facts=facts, texts=facts, written=_WRITTEN))
    return pa.Table.from_batches(_read(con, facts, way, TextReader(way.topics)), _SCHEMA)


def read_archive(
    con: DuckDBPyConnection,
    folder: Folder,
    state: State,
    facts: Sequence[str],
    way: ReadingWay,
    goes_on: Callable[[], None] = lambda: None,
) -> list[str]:
    """Make the readings that are missing; answer the paths of all.

    May run in several processes at once, and be killed at any time: what was read stays.

    Args:
        con: a connection to the archive.
        folder, state: of the archive.
        facts: paths of its tables of facts, one a unit.
        way: how texts are read.
        goes_on: is called now and then; what it raises ends this.

    Raises:
        duckdb.IOException, FileNotFoundError: a file was replaced meanwhile; load the state again.
    """
    held = set(folder.names(FOLDER))
    wanted = units(state)
    missing = [of for of, unit in zip(facts, wanted, strict=True) if unit.path("readings", way.digest) not in held]
    if missing:
        con.execute(_ASKED.format(facts=_files(facts), texts=_files(missing), written=_WRITTEN))
    reader: TextReader | None = None
    for place, unit in enumerate(wanted):
        path = unit.path("readings", way.digest)
        if path in held:
            reader = None
            continue
        goes_on()
        if reader is None:
            reader = TextReader(way.topics, _kept(folder, wanted[:place], way, held))
        taught = False
        batches = []
        for batch in _read(con, _files([facts[place]]), way, reader):
            taught = taught or batch["satisfied"].null_count < len(batch)
            batches.append(batch)
            goes_on()
        if taught:
            name = unit.path("readers", way.digest)
            folder.write_table(name, pa.table({"state": [msgspec.msgpack.encode(reader.state)]}, _KEPT), shared=True)
            held.add(name)
        folder.write_table(path, pa.Table.from_batches(batches, _SCHEMA), shared=True)
    prune(folder, load(folder))  # as of facts: who was erased meanwhile
    return [folder.url(unit.path("readings", way.digest)) for unit in wanted]


def _kept(folder: Folder, before: Sequence[Unit], way: ReadingWay, held: set[str]) -> ReaderState | None:
    """What had been learned at the end of the last of these units; units that taught nothing have nothing beside."""
    for unit in reversed(before):
        name = unit.path("readers", way.digest)
        if name in held:
            with folder.fs.open(folder.path(name), "rb") as file:
                kept = pq.read_table(file)["state"][0].as_py()
            return msgspec.msgpack.decode(kept, type=ReaderState)
    return None


def _read(con: DuckDBPyConnection, facts: str, way: ReadingWay, reader: TextReader) -> Iterator[pa.RecordBatch]:
    query = _TEXTS.format(facts=facts, written=_WRITTEN, granted=way.granted)
    texts = con.sql(query).to_arrow_reader(_ROWS)
    for batch in texts:
        rows = [_row(text, reader) for text in batch.to_pylist()]
        if rows:
            yield pa.RecordBatch.from_pylist(rows, _SCHEMA)


def _row(text: dict[str, Any], reader: TextReader) -> dict[str, Any]:
    reading = reader.read(
        text["text"], role=text["role"], rating=text["rating"], who=text["home"], language=text["language"],
        topic=text["topic"], teaches=text["teaches"],
    )  # fmt: skip
    place = {name: text[name] for name in ("home", "us", "log_partition", "log_offset")}
    return place | msgspec.structs.asdict(reading)


def _files(paths: Sequence[str]) -> str:
    return f"read_parquet([{', '.join(map(quoted, paths))}], hive_partitioning = false)"
