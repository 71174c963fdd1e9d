"""A file is sent once, also where an earlier version of Rapport has sent it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from console.clients.target import Found
from console.commands.main import create_cli
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


class Taking(BaseHTTPRequestHandler):
    """Takes whatever is sent."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    """Of something that takes what is sent."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Taking) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def sent(*arguments: object, code: int = 0) -> Any:
    """The document that the command writes, and nothing else."""
    result = CliRunner().invoke(create_cli(), ["send", *map(str, arguments), "--json"])
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


def test_a_program_is_told_what_became_of_a_file(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of each run; what could not be asked is null."""
    for name in ("RAPPORT_KAFKA", "RAPPORT_REDIS"):
        monkeypatch.delenv(name, raising=False)
    file = tmp_path / "e.jsonl"
    file.write_text(ROW % "" + ROW % ',"messageId":"m1"')
    where = ("--url", url, "--write-key", "web=k", "--data-dir", tmp_path / "data")

    told = {"file": str(file), "url": url, "events": 2, "taken": None, "rejected": None, "without_id": 1}
    first, second = sent(file, *where), sent(file, *where)
    assert told.items() <= first.items()
    assert (first["sent"], first["sent_before"], second["sent"], second["sent_before"]) == (2, 0, 0, 2)


def test_a_program_can_check_a_file_and_ask_for_a_mapping(tmp_path: Path) -> None:
    """The mapping as it would be written into a file, and as text with what is in doubt."""
    file, table = tmp_path / "e.jsonl", tmp_path / "orders.csv"
    file.write_text(ROW % "" + "nonsense\n")
    table.write_text(
        "customer_id,order_date,order_id,total,currency\n7,2026-01-02,o1,10.50,EUR\n8,2026-01-03,o2,9.50,EUR\n"
    )

    checked = sent(file, "--check", code=1)
    assert (checked["events"], checked["bad_rows"]) == (1, 1)
    guessed = sent(table, "--guess")
    assert guessed["mapping"]["map"]["user_id"] == "customer_id"
    assert yaml.safe_load(guessed["text"]) == guessed["mapping"]
