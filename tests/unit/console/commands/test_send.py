"""A file is sent once, also where an earlier version of Rapport has sent it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from console.clients.target import Found
from console.commands.send import send_file
from console.files.delivery import DeliveryError
from console.files.rows import FileSpec
from profiles.errors import Misconfigured
from profiles.times import parse_time

ROW = '{"source":"web","type":"page","userId":"1","timestamp":"2026-01-01"%s}\n'


@pytest.mark.parametrize(
    ("named", "error", "said"),
    [("", Misconfigured, "an earlier version"), (',"messageId":"m1"', DeliveryError, "nothing answers")],
)
def test_a_file_that_an_earlier_version_has_sent_is_refused(
    tmp_path: Path, named: str, error: type[Exception], said: str
) -> None:
    """Its rows had other ids, and would count again; unless they have ids of their own, which are known repeats."""
    file, note = tmp_path / "e.jsonl", tmp_path / "data" / "sends" / "0123.json"
    file.write_text(ROW % named)
    note.parent.mkdir(parents=True)
    note.write_text(json.dumps({"file": str(file), "line": 1, "events": 1, "complete": True}))
    target = Found("http://127.0.0.1:9", {"web": "k"})

    with pytest.raises(error, match=said):
        send_file(file, FileSpec(), target, tmp_path / "data")
    with pytest.raises(DeliveryError):  # where nobody listens
        send_file(file, FileSpec(), target, tmp_path / "data", restart=True)


def test_a_row_of_before_the_plans_earliest_is_not_sent(tmp_path: Path) -> None:
    """It would count as of now."""
    file = tmp_path / "e.jsonl"
    file.write_text(ROW % "")
    target, earliest = Found("http://127.0.0.1:9", {"web": "k"}), parse_time("2026-02-01")

    with pytest.raises(Misconfigured, match="line 1: timestamp: 2026-01-01 is before 2026-02-01"):
        send_file(file, FileSpec(), target, tmp_path / "data", earliest=earliest)
