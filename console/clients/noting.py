"""What a command does to Redis or Kafka itself, without the API, is written in the audit trail, too."""

from __future__ import annotations

import asyncio
import getpass
import logging
import os
import socket
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from profiles.errors import RapportError

if TYPE_CHECKING:  # whoever only asks for a name needs no settings
    from streams.settings import Settings

__all__ = ["note", "os_user"]

_PATIENCE = 5.0  # seconds, for Kafka


def os_user() -> str:
    """Who runs this process, as the machine calls them: with sudo whoever typed it; without a name, by number."""
    try:
        return os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):  # a container whose user is a number
        return f"uid {os.getuid()}"


def note(settings: Settings, action: str, objects: Sequence[str] = ("",), fields: Sequence[str] = ()) -> None:
    """Write down that whoever runs this process has done something, by their name on this machine.

    What was done is done: while Kafka does not answer a line on standard error says that the trail lacks it.

    Args:
        settings: where Kafka is.
        action: as in user.add.
        objects: accounts, tokens… that it was done to, a row each; never personal data.
        fields: what of it.
    """
    try:
        asyncio.run(_write(settings, action, objects, fields))
    except (RapportError, TimeoutError):
        typer.echo("Done, but the audit log lacks it: Kafka does not answer.", err=True)


async def _write(settings: Settings, action: str, objects: Sequence[str], fields: Sequence[str]) -> None:
    from streams.audit.trail import AuditRow, write_rows  # noqa: PLC0415  (keeps `rapport --help` quick)
    from streams.kafka.output import BatchProducer  # noqa: PLC0415  (same)

    who, machine = os_user(), socket.gethostname()
    rows = [
        AuditRow(time.time(), who, "command", action, object_, address=machine, fields=tuple(fields))
        for object_ in objects
    ]
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # one line says it
    producer = BatchProducer(settings)
    try:
        async with asyncio.timeout(_PATIENCE):
            await write_rows(producer, settings, rows)
    finally:
        await producer.stop()
