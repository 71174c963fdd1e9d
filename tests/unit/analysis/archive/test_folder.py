"""Files of an archive: whole or not there, and nothing kept of a writer that was killed."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from analysis.archive.folder import Folder

TABLE = pa.table({"who": ["customer-1", "customer-2"]})


def test_the_draft_of_a_killed_writer_is_written_over(tmp_path: Path) -> None:
    """A draft holds who was in the file; nobody would find it to take those out who are erased."""
    folder = Folder(str(tmp_path))
    killed = folder.writer("sample/churn.parquet", TABLE.schema)
    writer = killed.__enter__()
    writer.write_table(TABLE)
    assert [path.name for path in (tmp_path / "sample").iterdir()] == [".churn.parquet"]  # and so it stays

    folder.write_table("sample/churn.parquet", TABLE.slice(1))
    assert [path.name for path in (tmp_path / "sample").iterdir()] == ["churn.parquet"]
