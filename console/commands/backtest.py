"""`rapport backtest`: how good the scores would have been on a log of the past."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import ValidationError
from rich.text import Text

from console.clients.reach import default_plan
from console.files.options import with_table
from console.files.rows import FileSpec
from console.terminal.figures import counted
from console.terminal.listing import Listing
from console.terminal.output import AsJson, out, print_json, warn
from console.terminal.progress import progress
from models.config import ChurnConfig
from models.durations import WEEK, format_duration, parse_duration
from plan import Plan, load_plan
from profiles.errors import Misconfigured, WrongUse
from profiles.times import rfc3339
from streams.visible import visible

if TYPE_CHECKING:
    from models.backtest.playback import Judged, Log, Rival
    from models.backtest.verdict import Verdict
    from streams.offline import Reading

__all__ = ["churn_of", "register"]

HELP = """Play a log of the past through our own code, in event time, and judge every churn score by what came after.

A purchase log with columns such as customer_id,date,quantity,revenue is understood as it is; so are JSON lines of
events, by the tracking plan; other tables with a mapping, as for `rapport send`.

    rapport backtest orders.csv --horizon 26w
    rapport backtest events.jsonl --plan tracking_plan.yaml --json
    rapport backtest CDNOW_master.txt --horizon 26w --sample 1/3 --report cdnow.html

Once a week everybody who ever ordered is scored by every model; a score is judged when its horizon has passed, and
models learn from a label no earlier. Without --json: a table, and a page with plots (--report).
"""

_ENOUGH = 50  # customers that a bootstrap of customers means something from
_REFIT = 4 * WEEK  # seconds between two growings of the nightly model: as often as labels become known
_EXTRA = "pip install '.[backtest]'"
_FIGURES = {"auc": "AUC", "pr_auc": "PR AUC", "log_loss": "log loss", "brier": "Brier", "ece": "ECE"}


@dataclass(frozen=True)
class _Wanted:
    """What was asked for."""

    churn: str
    horizon: float | None
    label_horizon: float | None
    stream: str
    sample: str
    held_out: bool
    drift: str
    weeks: str
    gbm: bool
    refit: bool
    seed: int


def churn_of(plan: Plan, horizon: float | None, label_horizon: float | None = None, churn: str = "") -> ChurnConfig:
    """The plan's churn, for another horizon if one is given: then with labels that fit that one.

    Args:
        plan: the plan.
        horizon: seconds.
        label_horizon: seconds.
        churn: the name of a further definition; "" for the plan's own.

    Raises:
        Misconfigured: the two do not fit, or there is no such definition.
    """
    try:
        given = plan.churn.of(churn)
    except KeyError:
        there = ", ".join(each.name for each in plan.churn.definitions) or "none"
        raise WrongUse(f"the plan has no definition of churn {churn!r}; there are {there}") from None
    changed: dict[str, Any] = {}
    if horizon and horizon != given.horizon:
        label = 4 * WEEK if horizon >= 20 * WEEK else 2 * WEEK if horizon >= 8 * WEEK else horizon / 4
        if given.lasts:
            label = horizon
        changed = {"horizon": horizon, "label_horizon": label, "snapshot_every": min(label, 4 * WEEK)}
    if label_horizon:
        changed["label_horizon"] = label_horizon
    try:
        return given.changed(changed)
    except ValidationError as error:
        raise WrongUse("; ".join(problem["msg"] for problem in error.errors())) from error


def register(app: typer.Typer) -> None:
    """Add the command to the application."""

    @app.command(help=HELP)
    @with_table
    def backtest(
        spec: FileSpec,
        file: Annotated[Path, typer.Argument(help="JSON lines (.jsonl, .ndjson) or a table; .gz is read as well.")],
        horizon: Annotated[
            str | None, typer.Option(help="No order for this long is churn, such as 26w; the plan's unless given.")
        ] = None,
        churn: Annotated[str, typer.Option(help="A further definition of churn in the plan, by its name.")] = "",
        as_json: AsJson = False,
        report: Annotated[
            Path | None, typer.Option(help="Where the page with plots goes; rapport-backtest.html.", dir_okay=False)
        ] = None,
        plan: Annotated[Path | None, typer.Option(help="The tracking plan; the one in use unless given.")] = None,
        sample: Annotated[str, typer.Option(help="Only a share of the customers, such as 1/3.")] = "",
        gbm: Annotated[
            bool, typer.Option("--gbm/--no-gbm", help="A batch gradient boosting machine beside ours.")
        ] = True,
        refit: Annotated[
            bool, typer.Option("--refit/--no-refit", help="The nightly survival model, grown anew every 4 weeks.")
        ] = True,
        label_horizon: Annotated[
            str | None,
            typer.Option(help="What the hazard learns from, such as 4w.", rich_help_panel="Experiments"),
        ] = None,
        stream: Annotated[
            str,
            typer.Option(
                help="cal: as it happened. rt: each customer's start drawn anew over two years, so that every age is "
                "there at once.",
                rich_help_panel="Experiments",
            ),
        ] = "cal",
        drift: Annotated[
            str,
            typer.Option(
                help="WEEK,KEEP: from that week each repeat order happens with this probability only, such as 70,0.5.",
                rich_help_panel="Experiments",
            ),
        ] = "",
        weeks: Annotated[
            str, typer.Option(help="The weeks that are judged, such as 44-120.", rich_help_panel="Experiments")
        ] = "",
        held_out: Annotated[
            bool,
            typer.Option("--held-out", help="The customers that --sample leaves out.", rich_help_panel="Experiments"),
        ] = False,
        seed: Annotated[int, typer.Option(help="Of everything drawn.", rich_help_panel="Experiments")] = 0,
    ) -> None:
        wanted = _Wanted(
            churn, parse(horizon), parse(label_horizon), stream, sample, held_out, drift, weeks, gbm, refit, seed
        )  # fmt: skip
        loaded = load_plan(plan or default_plan())
        page = _writable(report or (None if as_json else Path("rapport-backtest.html")))
        document = _run(file, spec, loaded, wanted, page, report is not None)
        if as_json:
            print_json(document)
        else:
            _show(document)


def parse(duration: str | None) -> float | None:
    """Seconds of a duration on the command line.

    Raises:
        Misconfigured: it is none.
    """
    try:
        return parse_duration(duration) if duration else None
    except ValueError as error:
        raise WrongUse(str(error)) from error


def _run(
    file: Path, spec: FileSpec, plan: Plan, wanted: _Wanted, page: Path | None, must_draw: bool
) -> dict[str, Any]:  # fmt: skip
    from console.files.event_log import read_history  # noqa: PLC0415
    from console.reports.document import document_of  # noqa: PLC0415  (River and scipy take seconds to import)
    from models.backtest.playback import backtest  # noqa: PLC0415
    from models.backtest.verdict import verdict  # noqa: PLC0415

    config = churn_of(plan, wanted.horizon, wanted.label_horizon, wanted.churn)
    notes: list[str] = []
    rivals = _rivals(wanted, notes)
    refit_every = _refits(wanted, notes)
    page = _drawable(page, must_draw, notes)
    with progress() as bar:
        moved, rows = bar(f"reading {file.name}"), 0

        def read(more: int) -> None:
            nonlocal rows
            rows += more
            moved(rows, None)

        reading = read_history(file, spec, plan, read)
        log, judged_weeks = _log(reading, wanted, config)
        played = bar("playing")
        try:
            judged = backtest(
                log, config, plan.currency, judged=judged_weeks, consent=plan.consent, persons=plan.trust.persons,
                limits=plan.limits,
                rivals=rivals, seed=wanted.seed, advance=lambda done: played(done, 1.0), refit_every=refit_every,
            )  # fmt: skip
        except ValueError as error:
            raise WrongUse(str(error)) from error
        bar("measuring")
        measured = verdict(judged, seed=wanted.seed)
    notes = [*_defined(config), *_asked(wanted), *notes, *_left_out(log), *_few(judged), *_too_short(log, config)]
    document = document_of(measured, judged, config, reading, file=file.name, stream=wanted.stream, notes=notes)
    if page is not None:
        _draw(page, document, judged, measured)
        document["page"] = str(page)
    return document


def _defined(config: ChurnConfig) -> list[str]:
    """By which further definition of churn."""
    if config.definition is None:
        return []
    return [
        f"Churn as {config.name}: {config.definition.ends_by.in_words()}, within {format_duration(config.horizon)}."
    ]


def _asked(wanted: _Wanted) -> list[str]:
    """What of the log was left out or changed, so that whoever reads the figures knows it."""
    notes = []
    if wanted.sample:
        whose = "all customers but one" if wanted.held_out else "one customer"
        notes.append(f"A sample: {whose} in {wanted.sample.strip().removeprefix('1/')}.")
    if wanted.drift:
        week, keep = _drift(wanted.drift)
        notes.append(f"An experiment: from week {week:g} on, a repeat order happens with probability {keep:g} only.")
    return notes


def _left_out(log: Log) -> list[str]:
    """Events at times that the orders do not span: a log of a year is not judged over fifty for a clock never set."""
    if log.outside is None:
        return []
    begin, end = rfc3339(log.start + 1.0)[:10], rfc3339(log.end)[:10]
    first, last = rfc3339(log.outside.first)[:10], rfc3339(log.outside.last)[:10]
    which = f"the first of {first}, the last of {last}" if first != last else f"of {first}"
    return [
        f"{counted(log.outside.count, 'event')} left out, {which}: the orders are from {begin} to {end}, and what is "
        "outside cannot be judged, or has a time that cannot be right."
    ]


def _few(judged: Judged) -> list[str]:
    if judged.customers >= _ENOUGH:
        return []
    return [f"Too few customers ({judged.customers}) to tell models apart: the intervals are narrower than the doubt."]


def _too_short(log: Log, config: ChurnConfig) -> list[str]:
    """Whether labels are shorter than the gaps between orders."""
    from models.backtest.experiments import order_times  # noqa: PLC0415
    from models.backtest.horizon import REACHED, horizons  # noqa: PLC0415

    if config.definition is not None:
        return []
    found = horizons(order_times(log.records), log.end, (), config.label_horizon)
    if found.label_reaches is None or found.label_reaches >= REACHED or not found.warning:
        return []
    return [f"{found.warning[0].upper()}{found.warning[1:]}."]


def _log(reading: Reading, wanted: _Wanted, config: ChurnConfig) -> tuple[Log, range | None]:
    """The log as asked for: a share of the customers, under other circumstances; and the weeks to judge."""
    from console.files.event_log import names_of, share  # noqa: PLC0415
    from models.backtest.experiments import SPAN, retimed, sampled, vanishing  # noqa: PLC0415
    from models.backtest.playback import Log  # noqa: PLC0415
    from streams.offline import by_time  # noqa: PLC0415

    if wanted.stream not in ("cal", "rt"):
        raise WrongUse(f"--stream {wanted.stream!r}: write cal or rt")
    log = Log.of(reading.records, config.role)
    if wanted.sample:
        inside, names = share(wanted.sample), names_of(reading)
        log = sampled(log, lambda id_: inside(names.get(id_, id_)) != wanted.held_out)
        if next(iter(log.records), None) is None:
            raise Misconfigured("nobody is in this sample")
    judged = _weeks(wanted.weeks)
    if wanted.stream == "rt":
        log = retimed(log, wanted.seed, by_time=by_time)
        ahead = round(config.horizon / WEEK)
        judged = judged or range(2 * ahead + 8, SPAN + 1)
    if wanted.drift:
        week, keep = _drift(wanted.drift)
        log = vanishing(log, week, keep, wanted.seed)
    return log, judged


def _weeks(text: str) -> range | None:
    first, dash, last = text.partition("-")
    if not text:
        return None
    if not (dash and first.isdigit() and last.isdigit() and 0 < int(first) <= int(last)):
        raise WrongUse(f"--weeks {text!r}: write such as 44-120")
    return range(int(first), int(last) + 1)


def _drift(text: str) -> tuple[float, float]:
    week, _, keep = text.partition(",")
    try:
        found = float(week), float(keep)
    except ValueError:
        found = (-1.0, -1.0)
    if not (found[0] >= 0 and 0 <= found[1] <= 1):
        raise WrongUse(f"--drift {text!r}: write WEEK,KEEP such as 70,0.5")
    return found


def _rivals(wanted: _Wanted, notes: list[str]) -> list[Rival]:
    if not wanted.gbm:
        return []
    try:
        from models.backtest.boosted import Boosted  # noqa: PLC0415
    except ImportError:
        notes.append(f"No gradient boosting machine beside ours: scikit-learn is not installed ({_EXTRA}).")
        return []
    return [Boosted(min_leaf=1000 if wanted.stream == "rt" else 200)]


def _refits(wanted: _Wanted, notes: list[str]) -> float:
    """Seconds between two growings of the nightly model; 0 for none."""
    from models.nightly.growing import can_grow  # noqa: PLC0415  (models take a while to import)

    if wanted.refit and can_grow():
        return _REFIT
    if wanted.refit:
        notes.append(f"No nightly survival model: scikit-learn is not installed ({_EXTRA}).")
    return 0.0


def _writable(page: Path | None) -> Path | None:
    """The page, if its folder takes files: better said before the log is played than after.

    Raises:
        Misconfigured: it does not.
    """
    if page is not None and not os.access(page.parent, os.W_OK | os.X_OK):
        why = "no permission" if page.parent.is_dir() else "there is no such folder"
        raise WrongUse(f"{page} cannot be written: {why}")
    return page


def _drawable(page: Path | None, must: bool, notes: list[str]) -> Path | None:
    """The page, if it can be drawn here."""
    try:
        import console.reports.page  # noqa: F401, PLC0415
    except ImportError as error:
        if must:
            raise Misconfigured(f"the page needs {error.name}: {_EXTRA}") from error
        if page is not None:
            notes.append(f"No page with plots: {error.name} is not installed ({_EXTRA}).")
        return None
    return page


def _draw(page: Path, document: dict[str, Any], judged: Judged, measured: Verdict) -> None:
    from console.reports.page import render  # noqa: PLC0415

    try:
        page.write_text(render(document, judged, measured), encoding="utf-8")
    except OSError as error:
        raise Misconfigured(f"{page} cannot be written: {error.strerror}") from error


def _show(document: dict[str, Any]) -> None:
    judged = document["judged"]
    out.print(
        f"{counted(document['customers'], 'customer')}, {counted(document['events'], 'event')}, "
        f"{document['weeks']} weeks; "
        f"horizon {document['horizon']}. Judged: {judged['rows']:,} scores of weeks {judged['first']} to "
        f"{judged['last']}, {judged['churn']:.1%} churned."
    )
    rows = []
    for name, figures in document["models"].items():
        difference = document["differences"].get(name, {}).get("log_loss")
        compared = f"{difference[0]:+.3f} … {difference[1]:+.3f}" if difference else ""
        cells = ["–" if figures[key] is None else f"{figures[key]:.4f}" for key in _FIGURES]
        cells = [name, *cells, compared, f"{figures['rows']:,}"]
        rows.append([Text(cell, "bold" if name == "champion" else "") for cell in cells])
    numbers = (*_FIGURES.values(), "Δ log loss", "rows")
    out.print(Listing(("model", *numbers), rows, right=numbers))
    own = document["intervals"].get("champion", {})
    if own:
        out.print(
            "95 % intervals, by customer, of the champion: "
            + ", ".join(f"{_FIGURES[key]} {low:.4f} … {high:.4f}" for key, (low, high) in own.items())
        )
    spoke = ", ".join(f"{model} {count}" for model, count in document["champions"].items())
    out.print("Δ log loss: 95 % interval of the difference to the champion's, over the scores in which both spoke.")
    out.print(f"Champion, by judged weeks: {spoke}.")
    for note in document["notes"]:
        warn(note)
    for reason, row in document["rejected"].items():
        warn(f"{counted(row['count'], 'row')} not used, {reason}: {visible(str(row['first']))}")
    if "page" in document:
        out.print(f"The page with plots: {document['page']}", soft_wrap=True)
