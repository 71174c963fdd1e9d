"""The options that say what a file of events holds, as a `FileSpec`; a mapping file may say the same."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from console.files.exports.ready import ready_mapping, ready_names
from console.files.mapping.table_mapping import load_mapping, parse_target, validated
from console.files.rows import FileSpec
from console.terminal.options import options_of
from profiles.errors import WrongUse

__all__ = ["file_spec", "named_file", "split_pair", "with_table"]


def file_spec(
    mapping: Annotated[
        Path | None, typer.Option(metavar="FILE", help="YAML file with these options; those given here count more.")
    ] = None,
    from_: Annotated[
        str | None,
        typer.Option("--from", metavar="SERVICE", help=f"A ready mapping: {', '.join(ready_names())}."),
    ] = None,
    map_: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="FIELD=COLUMN",
            help="Column of a field; with :TYPE int, number, bool, json, time, currency.",
        ),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="FIELD=TEXT", help="Value of a field in every row, also with :TYPE."),
    ] = None,
    translate: Annotated[
        list[str] | None,
        typer.Option(metavar="'FIELD: OLD=NEW, …'", help="What cells mean; * is all else, and nothing leaves it out."),
    ] = None,
    split: Annotated[
        list[str] | None,
        typer.Option(
            metavar="'COLUMN: SEPARATOR=A,B'", help="Columns that are parts of one, as in 'Name: =First,Last'."
        ),
    ] = None,
    source: Annotated[str | None, typer.Option(help="Source of events that name none: web, app…")] = None,
    event: Annotated[str | None, typer.Option(help="Name of the event that a row is.")] = None,
    type_: Annotated[str | None, typer.Option("--type", help="track (default), identify, page…")] = None,
    time_format: Annotated[
        str | None,
        typer.Option(help="iso (default: any form without doubt), epoch, epoch_ms, excel, or such as %Y%m%d."),
    ] = None,
    timezone: Annotated[str | None, typer.Option(help="Of times that name none; UTC unless given.")] = None,
    delimiter: Annotated[
        str | None, typer.Option(help="comma, tab, semicolon, pipe, whitespace or one character; else found out.")
    ] = None,
    decimal: Annotated[
        str | None, typer.Option(help="Decimal mark of numbers: point (default), or comma as in 12,50.")
    ] = None,
    columns: Annotated[
        str | None, typer.Option(metavar="A,B,C", help="Names of the columns, when the first line is no header.")
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(metavar="A,B", help="Fields that name an event together, such as order_id: its id in every file."),
    ] = None,
    encoding: Annotated[
        str | None, typer.Option(help="Of the text; what its first bytes say unless given, else UTF-8.")
    ] = None,
    format_: Annotated[
        str | None, typer.Option("--format", help="jsonl or table; by the file's name unless given.")
    ] = None,
) -> FileSpec:
    """The options of a ready mapping, overridden by those of the mapping file, and these by those of the command line.

    Raises:
        WrongUse: one of them cannot be used.
    """
    given = {
        "source": source, "event": event, "type": type_, "time_format": time_format, "timezone": timezone,
        "delimiter": delimiter, "decimal": decimal, "columns": columns.split(",") if columns else None,
        "encoding": encoding, "format": format_, "key": key,
    }  # fmt: skip
    options: dict[str, Any] = ready_mapping(from_) if from_ else {}
    for name, value in (load_mapping(mapping) if mapping else {}).items():
        both = isinstance(value, dict) and isinstance(options.get(name), dict)
        options[name] = {**options[name], **value} if both else value
    options.update({name: value for name, value in given.items() if value is not None})
    for part, pairs in (("map", map_), ("set", set_)):
        targets = dict(options.get(part) or {})
        for pair in pairs or ():
            name, target = split_pair(pair, f"--{part}", "FIELD=COLUMN" if part == "map" else "FIELD=TEXT")
            targets[name] = parse_target(target, constant=part == "set")
        options[part] = targets
    for text in translate or ():
        field, meanings = _translation(text)
        options["translate"] = {**(options.get("translate") or {}), field: meanings}
    for text in split or ():
        column, parts = _parts(text)
        options["split"] = {**(options.get("split") or {}), column: parts}
    if isinstance(options.get("key"), str):
        options["key"] = [name.strip() for name in options["key"].split(",")]
    return validated(FileSpec, options, str(mapping or "options"))


def _translation(text: str) -> tuple[str, dict[str, str]]:
    field, colon, rest = text.partition(":")
    meanings = {}
    for pair in rest.split(","):
        old, equals, new = pair.partition("=")
        if not (field.strip() and colon and old.strip() and equals):
            raise WrongUse(f"--translate {text!r}: write such as 'properties.priority: Normal=medium, High=urgent'")
        meanings[old.strip()] = new.strip()
    return field.strip(), meanings


def _parts(text: str) -> tuple[str, dict[str, Any]]:
    column, colon, rest = text.partition(":")
    separator, equals, names = rest.removeprefix(" ").rpartition("=")
    into = [name.strip() for name in names.split(",")]
    if not (column.strip() and colon and equals and all(into)):
        raise WrongUse(f"--split {text!r}: write such as 'Name: =First,Last' or 'Place:/=Country,City'")
    return column.strip(), {"by": separator or " ", "into": into}


with_table = options_of(file_spec)
"""A command whose first parameter is a `FileSpec`, told on a terminal by the options of `file_spec`."""


def named_file(argument: str, spec: FileSpec) -> tuple[Path, FileSpec]:
    """A file of a command that takes several: `FILE`, or `FILE=MAPPING.yaml` for one with a mapping of its own.

    Args:
        argument: as it was given. What is a file by this very name is that file.
        spec: what the command's options say; they count more than the mapping.

    Raises:
        WrongUse: the mapping cannot be used.
    """
    path = Path(argument)
    name, equals, mapping = argument.rpartition("=")
    if not (name and equals and mapping) or path.exists():
        return path, spec
    options = load_mapping(Path(mapping))
    for field, value in spec.model_dump(exclude_unset=True, exclude_none=True).items():
        options[field] = {**(options.get(field) or {}), **value} if field in ("map", "set") else value
    return Path(name), validated(FileSpec, options, mapping)


def split_pair(pair: str, option: str, shape: str) -> tuple[str, str]:
    """The two sides of `NAME=VALUE`.

    Raises:
        WrongUse: it has not this shape.
    """
    name, equals, value = pair.partition("=")
    if not (name and equals and value):
        raise WrongUse(f"{option} {pair!r}: write {shape}")
    return name.strip(), value
