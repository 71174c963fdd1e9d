"""The options that say what a file of the past holds, the same for every command that reads one without servers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["Decimal", "Delimiter", "EventName", "Map", "Mapping", "Set", "SourceName", "TimeFormat"]

Mapping = Annotated[Path | None, typer.Option(help="YAML file that says what the columns are, as for `rapport send`.")]
Map = Annotated[list[str] | None, typer.Option("--map", help="FIELD=COLUMN[:TYPE], as for send.")]
Set = Annotated[list[str] | None, typer.Option("--set", help="FIELD=TEXT[:TYPE], as for send.")]
SourceName = Annotated[str | None, typer.Option(help="Source of events that name none.")]
EventName = Annotated[str | None, typer.Option(help="Name of the event that a row of a table is.")]
Delimiter = Annotated[str | None, typer.Option(help="comma, tab, semicolon, pipe, whitespace…")]
Decimal = Annotated[str | None, typer.Option(help="Decimal mark of numbers: point (default) or comma, as in 12,50.")]
TimeFormat = Annotated[str | None, typer.Option(help="iso, epoch, epoch_ms, or such as %Y%m%d.")]
