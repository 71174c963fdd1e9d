"""However a history is spread over files, and in whatever order it stands there: one sequence."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.files.rows import FileSpec
from console.files.sorting import TIES, History, Order
from profiles.errors import Misconfigured
from streams.history.past import Past, in_one_order
from tests import REPOSITORY

Rows = Sequence[dict[str, Any]]

SPEC = FileSpec.model_validate({"source": "web"})

events = st.fixed_dictionaries(
    {
        "type": st.just("page"),
        "userId": st.sampled_from(["1", "2"]),
        "timestamp": st.sampled_from(["2026-01-01T00:00:00Z", "2026-01-01T01:00:00+01:00", "2026-01-02", 1767225600.5]),
        "source": st.sampled_from(["web", "app"]),
    },
    optional={"messageId": st.sampled_from(["m1", "m2", "m3"]), "properties": st.just({"a": 1})},
)


def write(folder: Path, rows: Rows, name: str) -> Path:
    """A file of events."""
    path = folder / f"{name}.jsonl"
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    return path


def sequence(folder: Path, files: Sequence[Rows], *, ordered: bool = False, run: int = 500) -> list[Past]:
    """The one order of the events of some files; runs so small that every file has several."""
    runs = folder / "runs"
    runs.mkdir()
    opened = [History(write(folder, rows, str(at)), SPEC, ordered) for at, rows in enumerate(files)]
    for each in opened:
        each.prepare(runs, run)
    return list(in_one_order([each.in_order() for each in opened]))


@given(rows=st.lists(events, max_size=12), data=st.data())
@settings(max_examples=150, deadline=None)
def test_any_split_over_files_in_any_order_gives_the_same_sequence(
    rows: list[dict[str, Any]], data: st.DataObject
) -> None:
    """Also of events of one time, without a messageId, or alike to the byte."""
    shuffled = data.draw(st.permutations(rows))
    files: list[list[dict[str, Any]]] = [[], [], []]
    for row in shuffled:
        files[data.draw(st.integers(0, 2))].append(row)
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as several:
        expected = sequence(Path(one), [rows])
        found = sequence(Path(several), files)

    assert found == expected
    assert len(found) == len(rows)
    assert [past.time for past in found] == sorted(past.time for past in found)
    made = [(past.source, past.key) for past in found if not past.key.startswith("m")]
    assert len(set(made)) == len(made)
    assert all(orjson.loads(past.event)["messageId"] == past.key for past in found)


def test_a_file_in_order_is_read_as_it_is(tmp_path: Path) -> None:
    """The same sequence as if it were sorted, without a run on disk; events of one time are put into the one order."""
    rows = [{"type": "page", "userId": str(who), "timestamp": f"2026-01-0{day}"} for day in (1, 2) for who in (3, 1, 2)]
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()

    as_it_is = sequence(tmp_path / "a", [rows], ordered=True)

    assert as_it_is == sequence(tmp_path / "b", [rows])
    assert not list((tmp_path / "a" / "runs").iterdir())


def test_an_event_without_an_id_gets_one_that_does_not_depend_on_its_file(tmp_path: Path) -> None:
    """The file may grow, and be loaded again: what was there before is a known repeat. Twins count both."""
    row = {"type": "page", "userId": "1", "timestamp": "2026-01-01"}
    for name in ("a", "b"):
        (tmp_path / name).mkdir()

    before = sequence(tmp_path / "a", [[row]])
    after = sequence(tmp_path / "b", [[{**row, "timestamp": "2025-01-01"}, row], [row]])

    assert before == after[1:2]
    assert after[2].key == f"{before[0].key}-1"
    assert orjson.loads(after[2].event)["messageId"] == after[2].key


def test_what_is_in_order_and_what_is_not() -> None:
    """Time never goes back; and not so many events have one time that they could not be held."""

    def kept(times: Sequence[float]) -> bool:
        order = Order()
        for time in times:
            order.note(time)
        return order.kept

    assert kept([1, 1, 2, 3])
    assert not kept([1, 2, 1])
    assert kept([1.0] * TIES)
    assert not kept([1.0] * (TIES + 1))


def test_memory_holds_one_run_at_a_time(tmp_path: Path) -> None:
    """However long the file: the lists that are sorted are as short as the run says."""
    rows = [{"type": "page", "userId": str(n % 7), "timestamp": 1767225600 + (n * 37 % 1000)} for n in range(1000)]
    sorted_at_once: list[int] = []
    file = History(write(tmp_path, rows, "a"), SPEC)
    (tmp_path / "runs").mkdir()

    file.prepare(tmp_path / "runs", 10_000, sorted_at_once.append)

    assert sum(sorted_at_once) == 1000
    assert max(sorted_at_once) < 50
    assert len(list((tmp_path / "runs").iterdir())) == len(sorted_at_once) > 20


def test_a_disk_that_cannot_be_written_to_is_one_clear_error(tmp_path: Path) -> None:
    """It says what to do."""
    file = History(write(tmp_path, [{"type": "page", "userId": "1", "timestamp": "2026-01-01"}], "a"), SPEC)

    with pytest.raises(Misconfigured, match="--data-dir"):
        file.prepare(tmp_path / "nowhere")


def test_memory_is_what_the_events_take(tmp_path: Path) -> None:
    """A process that sorts 60,000 events at a time needs some 50 MiB for it, not the room they were written in."""
    rows = [{"type": "page", "userId": str(n), "timestamp": 1767225600 + n * 37 % 1000} for n in range(60_000)]
    (tmp_path / "runs").mkdir()
    program = f"""
import resource, sys
from pathlib import Path
from console.files.rows import FileSpec
from console.files.sorting import History
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
before = peak()
History(Path({str(write(tmp_path, rows, "a"))!r}), FileSpec(source="web")).prepare(Path({str(tmp_path / "runs")!r}))
print((peak() - before) / (2**20 if sys.platform == 'darwin' else 2**10))
"""
    environ = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    took = subprocess.run([sys.executable, "-c", program], env=environ, check=True, capture_output=True, text=True)

    assert float(took.stdout) < 80
