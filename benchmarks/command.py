"""What the benchmarks share as commands: options, what machine they ran on, and how they end."""

from __future__ import annotations

import platform
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import psutil
import typer

from profiles.errors import RapportError

__all__ = ["AsJson", "Events", "Keep", "Partitions", "command", "machine"]

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]
Events = Annotated[int, typer.Option(min=1000, help="Events of the workload; part of its name.")]
Keep = Annotated[Path | None, typer.Option(help="Directory to keep servers' data and logs in.")]
Partitions = Annotated[int, typer.Option(min=1, help="Partitions of each topic.")]


def command(run: Callable[..., None]) -> None:
    """Run a benchmark with the options of the command line; SIGTERM ends it as Ctrl-C does, and what it started."""
    signal.signal(signal.SIGTERM, _leave)
    try:
        typer.run(run)
    except RapportError as error:
        typer.secho(f"benchmark: {error}", fg=typer.colors.RED, err=True)
        sys.exit(2)


def machine() -> str:
    """The machine and the Python of this run, for its figures."""
    return f"{psutil.cpu_count()} cores {platform.machine()}, Python {platform.python_version()}"


def _leave(*_: object) -> None:
    raise SystemExit(143)
