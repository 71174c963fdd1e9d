"""`rapport analyse`: what happened, from the archive: a command for each analysis, made from its declaration."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from inspect import Parameter, Signature
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import typer
from pydantic import ValidationError
from rich.text import Text

from analysis.declaration import Analysis
from analysis.parameters import Parameters
from analysis.registry import ROOMS, analyses
from analysis.result import MARGIN, Behind, Result
from console.clients.reach import PlanFile, reach
from console.clients.support import customer, support
from console.clients.target import DEFAULT_DATA_DIR, DataDir, Target, Token, Url
from console.terminal.frame import CommandLine
from console.terminal.listing import Listing
from console.terminal.output import AsJson, out, print_json, readable, say
from console.terminal.progress import progress
from console.views.analysing.analysis_documents import figures_of, result_view, summary_of
from console.views.analysing.csv_files import table_csv, written
from console.views.analysing.figures_written import Written
from plan import load_plan
from profiles.errors import Misconfigured, NotFound, RapportError, WrongUse
from streams.settings import engine_of

__all__ = ["register"]

HELP = """What happened: analyses over the history that the archive keeps.

Without a name it lists them. Each analysis has a help of its own with its definition and what may be asked of it. It
reads the archive where it lies and needs neither Kafka nor Redis. All definitions: docs/analyses.md.

    rapport analyse                              which there are
    rapport analyse retention --interval week    a table
    rapport analyse retention --csv > kept.csv   a file; --json for scripts
"""

_NAMED = 200
"""Customers of a list who are called by their names, which the support API is asked for one by one."""

_CHOICES = 4  # that fit into the help as what an option takes

commands = CommandLine(name="analyse", help=HELP, invoke_without_command=True)

Archive = Annotated[
    str | None,
    typer.Option(
        "--archive",
        metavar="FOLDER",
        help="Folder or fsspec URL. [default: RAPPORT_ARCHIVE, else that of `rapport up`]",
    ),
]
AsCsv = Annotated[bool, typer.Option("--csv", help="Answer as CSV, figures not rounded.")]
Sql = Annotated[bool, typer.Option("--sql", help="Show what the engine is asked, too.")]
Of = Annotated[
    str | None,
    typer.Option("--behind", metavar="FIGURE", help="List who is behind a figure of one row, who brought most first."),
]
Cell = Annotated[
    list[str] | None,
    typer.Option("--cell", metavar="COLUMN=VALUE", help="With --behind: which row, for each of its dimensions."),
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for analysis in analyses().values():
        commands.command(analysis.name, help=_help(analysis))(_command(analysis))
    app.add_typer(commands)


@commands.callback()
def show_list(context: typer.Context, as_json: AsJson = False) -> None:
    """List the analyses."""
    if context.invoked_subcommand is not None:
        return
    if as_json:
        print_json([summary_of(each).model_dump(mode="json") for each in analyses().values()])
        return
    for room in ROOMS:
        rows = [(each.name, each.question.en) for each in analyses().values() if each.room == room]
        if rows:
            out.print(Listing((room, ""), [(Text(name, "bold"), question) for name, question in rows], prose=True))
            say("")
    say("More of one: rapport analyse NAME --help")


def _command(analysis: Analysis[Any]) -> Callable[..., None]:
    """The command of one analysis: its parameters are its options."""
    fields = analysis.parameters.model_fields
    kinds = {name: _option(name, info) for name, info in fields.items() if name not in analysis.refused}
    shared: dict[str, tuple[Any, Any]] = {
        "behind": (Of, None), "cell": (Cell, None), "as_csv": (AsCsv, False), "sql": (Sql, False),
        "archive": (Archive, None), "url": (Url, None), "token": (Token, None),
        "plan_file": (PlanFile, None), "data_dir": (DataDir, DEFAULT_DATA_DIR),
        "as_json": (AsJson, False),
    }  # fmt: skip

    def command(**given: Any) -> None:
        told = {name: given.pop(f"asked_{name}") for name in kinds}
        _run(analysis, _asked(analysis, told), **given)

    options = [
        Parameter(f"asked_{name}", Parameter.KEYWORD_ONLY, default=None, annotation=kind)
        for name, kind in kinds.items()
    ]
    options += [
        Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=kind)
        for name, (kind, default) in shared.items()
    ]
    command.__signature__ = Signature(options)  # type: ignore[attr-defined]  # what Typer makes the options of
    command.__annotations__ = {option.name: option.annotation for option in options}
    return command


def _option(name: str, info: Any) -> Any:
    plain = info.annotation
    if get_origin(plain) in (Union, UnionType):
        plain = next(each for each in get_args(plain) if each is not NoneType)
    choices = [choice for choice in get_args(plain) if choice] if get_origin(plain) is Literal else []
    few = 0 < len(choices) <= _CHOICES
    told = info.description or ""
    if choices and not few:
        told += f" One of: {', '.join(choices)}."
    if info.default not in (None, "", ()):
        told += f" [default: {info.default}]"
    option = typer.Option(
        f"--{name.replace('_', '-')}",
        help=told,
        metavar="|".join(choices) if few else "TEXT" if plain is str else "NUMBER" if plain in (int, float) else None,
        show_default=False,
    )
    return Annotated[str | None, option]


def _help(analysis: Analysis[Any]) -> str:
    dimensions = " ".join(f"--cell {column.name}=…" for column in analysis.dimensions)
    listed = [measure.name for measure in analysis.measures if measure.listed]
    example = f"    rapport analyse {analysis.name} --behind {listed[0]} {dimensions}" if listed else ""
    return "\n\n".join(
        part
        for part in (
            analysis.question.en,
            analysis.how.en,
            f"Figures: {', '.join(measure.name for measure in analysis.measures)}."
            + (f" Customers are listed behind {', '.join(listed)}." if listed else ""),
            "Examples:",
            f"    rapport analyse {analysis.name} --since 2026-01-01 --csv\n{example}".rstrip(),
        )
    )


def _asked(analysis: Analysis[Any], told: dict[str, str | None]) -> Parameters:
    values: dict[str, Any] = {}
    for name, value in told.items():
        if value is None:
            continue
        kind = analysis.parameters.model_fields[name].annotation
        listed = any(get_origin(each) in (list, tuple) for each in (kind, *get_args(kind)))
        values[name] = [part.strip() for part in value.split(",") if part.strip()] if listed else value
    try:
        return analysis.parameters.model_validate(values)  # type: ignore[no-any-return]
    except ValidationError as error:
        wrong = [f"--{'.'.join(map(str, each['loc'])).replace('_', '-')}: {each['msg']}" for each in error.errors()]
        raise WrongUse("; ".join(wrong)) from None


def _run(
    analysis: Analysis[Any], asked: Parameters, *, behind: str | None, cell: list[str] | None, as_csv: bool, sql: bool,
    archive: str | None, url: str | None, token: str | None, plan_file: Path | None, data_dir: Path, as_json: bool,
) -> None:  # fmt: skip
    from analysis.engines.opening import open_engine  # noqa: PLC0415  (keeps `rapport --help` quick)
    from analysis.running import behind as list_behind  # noqa: PLC0415  (same)
    from analysis.running import columns_of, run  # noqa: PLC0415  (same)

    settings = reach(data_dir, plan_file, archive=archive)
    key = _cell(cell or [])
    with progress(quiet=as_json or as_csv) as bar:
        tell = bar("making tables of the archive")
        engine = open_engine(engine_of(settings), settings.archive, load_plan(settings.plan), tell)
    if behind is not None:
        found = list_behind(analysis, engine, asked, key, behind)
        called, problem = _called(Target(url, token, data_dir), [row["customer"] for row in found.customers[:_NAMED]])
        write = Written([MARGIN, *columns_of(analysis)], engine.frame.currency)
        _show_behind(analysis, found, called, write, as_csv=as_csv, as_json=as_json)
        if problem and not (as_csv or as_json):
            out.print(readable(f"Without names: {problem}"), style="dim")
        return
    result = run(analysis, engine, asked)
    if as_json:
        print_json(result_view(analysis, result).model_dump(mode="json"))
    elif as_csv:
        say(table_csv(result), nl=False)
    else:
        _show(analysis, result, sql=sql)


def _cell(given: list[str]) -> dict[str, str]:
    wrong = next((each for each in given if "=" not in each), None)
    if wrong is not None:
        raise WrongUse(f"--cell {wrong}: write COLUMN=VALUE, such as cohort=2026-01-01")
    return dict(each.split("=", 1) for each in given)


def _show(analysis: Analysis[Any], result: Result, *, sql: bool) -> None:
    write = Written(result.columns, result.currency)
    names = {column.name for column in result.columns}
    beside = {f"{name}_{what}" for name in names for what in ("low", "high", "before", "course")}
    columns = [column for column in result.columns if column.name not in beside]
    headings = [column.label.en for column in columns]
    rows = [[readable(_told(row, column.name, write)) for column in columns] for row in result.rows]
    right = [column.label.en for column in columns if column.unit not in ("text", "date")]
    out.print(Text(f"{analysis.title.en}, {result.asked['since']} to {result.asked['until']}", "bold"))
    if result.sentence is not None:
        out.print(readable(result.sentence.en))
    if rows:
        out.print(Listing(headings, rows, right=right))
    for note in result.notes:
        out.print(readable(note.en), style="dim")
    out.print(f"As of {result.as_of:%Y-%m-%d %H:%M} UTC, by {result.engine} in {result.seconds:.2f} s", style="dim")
    if sql:
        say(result.sql)


def _told(row: dict[str, Any], name: str, write: Written) -> str:
    """A figure, with how it stands against what it is compared with."""
    figure, before = write(row.get(name), name), row.get(f"{name}_before")
    if before is None:
        return figure
    sign = {"up": "↑ ", "down": "↓ ", "same": "about the same, "}.get(row.get(f"{name}_course", ""), "")
    return f"{figure} ({sign}{write(before, name)})"


def _called(target: Target, ids: list[str]) -> tuple[dict[str, str], str]:
    """What customers are called, as the token's role may see it; and why they are not, if nothing answers."""
    called: dict[str, str] = {}
    try:
        with support(target) as api:
            for id_ in ids:
                with suppress(NotFound):  # who has been erased since
                    called[id_] = api.call("GET", customer(f"profile_id:{id_}"))["label"]
    except (Misconfigured, WrongUse, RapportError) as error:
        return called, str(error)
    return called, ""


def _show_behind(
    analysis: Analysis[Any], found: Behind, called: dict[str, str], write: Written, *, as_csv: bool, as_json: bool
) -> None:
    rows = figures_of(found)
    figures = list(rows[0][1]) if rows else []
    if as_json:
        customers = [{"profile": id_, "label": called.get(id_, ""), "figures": known} for id_, known in rows]
        print_json({"measure": found.measure, "cell": found.cell, "total": found.total, "data": customers})
    elif as_csv:
        table = ([id_, called.get(id_, ""), *known.values()] for id_, known in rows)
        say(written(["profile", "label", *figures], table), nl=False)
    else:
        label = next(each.label.en for each in analysis.measures if each.name == found.measure)
        out.print(Text(f"{label}: {found.total:,}", "bold"))
        lines = [
            [readable(called.get(id_) or "–"), *(readable(write(known[name], name)) for name in figures), id_]
            for id_, known in rows
        ]
        labels = {MARGIN.name: MARGIN.label.en} | {each.name: each.label.en for each in analysis.measures}
        if analysis.quoted is not None:
            labels[analysis.quoted.name] = analysis.quoted.label.en
        headings = [labels.get(name, name) for name in figures]
        right = [labels.get(name, name) for name in figures if name != found.quoted]
        out.print(Listing(["customer", *headings, "profile"], lines, right=right))
