"""Decisions as a rebuild reads them: of the log, and of the files that the archive made of it."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from analysis.archive.columns import LINKS, Link, links_table
from profiles.types import Identity, Join, Merge
from streams.archive.gather import links_of
from streams.rebuild.ownership import Ownership

OTHER: Identity = ("user_id", "2")


def test_what_people_said_of_companies_comes_back_of_the_archive(tmp_path: Path) -> None:
    """With who said so and why, each once; and says nothing of whom a home belongs to."""
    joined = Join("~b", "bolt", "~a", "acme", 5.25, "kim", "one house")
    undone = Join("~b", "bolt", "", "", 6.5, "lee")
    merged = Merge("loser", "winner", 4.0, [OTHER], ("links", 0, 1 << 16))
    links = [link for number, one in enumerate((joined, undone, joined, merged)) for link in links_of(one, 0, number)]
    pq.write_table(links_table(links), tmp_path / "links.parquet")

    rows = pq.ParquetFile(tmp_path / "links.parquet").read().to_pylist()
    ownership = Ownership("links")
    ownership.take([Link(**{**row, "time": row["time"].timestamp()}) for row in rows])

    assert sorted(ownership.joins.values(), key=lambda one: one.time) == [joined, undone]
    assert ownership.owners() == {"loser": "winner"}


def test_files_of_before_have_no_note() -> None:
    """They are read, and put together with those of now."""
    now = links_table(links_of(Join("~b", "bolt", "~a", "acme", 5.0), 0, 1))
    before = links_table(links_of(Merge("loser", "winner", 4.0, [OTHER]), 0, 2)).drop(["note"])

    both = pa.concat_tables([LINKS.empty_table(), before, now], promote_options="default")

    assert both.schema.equals(LINKS)
    assert both.column("note").null_count == 1
    assert Link(**before.to_pylist()[0]).note is None
