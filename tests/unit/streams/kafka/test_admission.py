"""What is said of a Kafka that does not let us in, or is not there."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import pytest

from console.local.process import free_port
from streams.kafka.admission import Unreachable, admit
from streams.settings import Settings
from tests.work import Waiting


@contextlib.contextmanager
def silent() -> Iterator[str]:
    """A server that takes calls and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


def refusal(kafka: str, **more: str) -> str:
    """What is said, within five seconds."""
    with Waiting() as waiting, pytest.raises(Unreachable) as caught:
        asyncio.run(admit(Settings(kafka=kafka, **more)))
    assert waiting.seconds < 5
    said = str(caught.value)
    assert "\n" not in said
    return said


def test_nobody_is_there() -> None:
    servers = f"127.0.0.1:{free_port()},127.0.0.1:{free_port()}"
    said = refusal(servers)
    assert said.startswith(f"Kafka does not answer at {servers} ")
    assert "RAPPORT_KAFKA" in said


def test_somebody_is_there_who_does_not_answer() -> None:
    with silent() as one, silent() as other:
        said = refusal(f"{one},{other}")
    assert "no answer" in said
    assert "RAPPORT_KAFKA_SECURITY_PROTOCOL=PLAINTEXT" in said


def test_a_host_that_has_no_address() -> None:
    assert "does not answer at nowhere.invalid:9092" in refusal("nowhere.invalid:9092")
