"""The log as a process writes it: nothing that is logged makes a second line, or steers a terminal."""

from __future__ import annotations

import asyncio
import errno
import logging
import subprocess
import sys
import threading

import pytest

from console.terminal.logs import _answers, _Handler, log_to_stderr
from streams.settings import Settings
from tests import REPOSITORY

PROGRAM = r"""
import logging, threading
from console.terminal.logs import log_of_command, log_to_stderr
from streams.settings import Settings
log_of_command()
log_to_stderr(Settings())
log = logging.getLogger("streams.worker")
evil = "x\x1b[31m\x9b\u202e\u2028\n2026-01-01 00:00:00,000 ERROR   streams: FORGED of ada@example.com"
log.warning("the event %s is unknown", evil)
try:
    raise ValueError(evil)
except ValueError:
    log.exception("it failed")
threading.Thread(target=lambda: 1 / 0).start()
threading.main_thread()
raise ValueError(evil)
"""


def test_a_record_is_one_line_and_what_belongs_to_it_is_indented() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, cwd=REPOSITORY, check=False, timeout=60)
    written = done.stderr.decode()
    records = [line for line in written.splitlines() if not line.startswith("    ")]

    assert all(character.isprintable() or character == "\n" for character in written)
    assert "ada@" not in written
    assert [line.split(maxsplit=4)[2:4] for line in records] == [
        ["WARNING", "streams.worker:"],
        ["ERROR", "streams.worker:"],
        ["CRITICAL", "console.terminal.logs:"],
        ["CRITICAL", "console.terminal.logs:"],
    ]
    assert written.count("FORGED") == 3


def test_whose_process_it_is_keeps_its_handlers() -> None:
    """As where a command is run from Python."""
    before = logging.getLogger().handlers[:], sys.excepthook
    log_to_stderr(Settings())

    assert (logging.getLogger().handlers, sys.excepthook) == before


@pytest.mark.parametrize("server", ["Kafka", "Redis"])
def test_who_cannot_ask_a_server_has_no_answer(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the log's thread goes on."""

    def full() -> asyncio.AbstractEventLoop:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(asyncio.events, "new_event_loop", full)

    assert _answers(server, Settings()) is False


def test_the_thread_is_woken_when_there_is_something_to_follow() -> None:
    handler = _Handler("%(message)s", lambda server: True)
    found: list[bool] = []

    class Woken(threading.Event):
        def set(self) -> None:
            found.append(handler._folding.waits)

    handler._trouble = Woken()
    handler.handle(logging.LogRecord("aiokafka", logging.ERROR, "", 0, "Unable connect to it", (), None))

    assert found == [True]
