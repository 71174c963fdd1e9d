"""The documents about models as tables and sentences for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

__all__ = ["explained_customer", "explained_model", "history_page", "model_page", "overview"]

_ROLE = {"champion": "bold green", "shadow": "", "silent": "dim"}
_WORDS = {
    "silence": "how long ago the last order was",
    "habit": "how often and how regularly they order",
    "tenure": "how long they have been a customer",
    "spend": "what they spend",
    "visits": "visits",
    "use": "use of the app",
    "shopping": "looking, searching, filling carts",
    "support": "tickets and complaints",
    "opinion": "what they say in surveys",
    "refunds": "refunds",
    "subscription": "the subscription",
    "contact": "messages read and unsubscribed from",
}
_FEW = 5  # features named of a group
_ENOUGH = 30  # outcomes of a segment that its figures mean something from
_HORIZONS = {"short": "Order within the label horizon", "full": "Churn within the churn horizon"}


def overview(document: dict[str, Any]) -> RenderableType:
    """`rapport models list`."""
    parts: list[RenderableType] = [_champion_line(document)]
    if anew := document["began_anew"]:
        parts.append(Text(f"{_minute(anew['at'])}: {anew['text']}.", style="yellow"))
    parts += _models(document["models"])
    signals = ", ".join(f"{name} {_signal(document['drift'][name])}" for name in ("error", "activity"))
    alarms = document["drift"]["alarms"]
    parts.append(Text(f"Drift: {len(alarms) or 'no'} alarm{'s' if len(alarms) != 1 else ''}; signals: {signals}."))
    if off := document["drift"]["segments"]:
        parts.append(Text(f"Off by more than chance in the segments {', '.join(off)}.", style="yellow"))
    if document["notices"]:
        parts.append(_listed("Latest news", ((it["at"], it["kind"], it["text"]) for it in document["notices"][:5])))
    if document["decisions"]:
        rows = (
            (it["at"], it["by"] or "somebody", f"{it['action']} {it['target']}: {it['text']}")
            for it in document["decisions"][:5]
        )
        parts.append(_listed("Latest decisions", rows))
    return Group(*parts)


def model_page(document: dict[str, Any]) -> RenderableType:
    """`rapport models show NAME`."""
    parts: list[RenderableType] = [_heading(document)]
    for horizon, title in _HORIZONS.items():
        quality = document["horizons"][horizon]
        table = _figures_table(title)
        for scope in ("all", "untouched"):
            _figures_row(table, scope, quality[scope])
        segments = quality["segments"].items()
        told = {name: figures for name, figures in segments if figures["rows"] >= _ENOUGH}
        for name, figures in told.items():
            _figures_row(table, f"segment {name}", figures)
        parts.append(table)
        if left := len(segments) - len(told):
            parts.append(Text(f"Not shown: {left} segments with fewer than {_ENOUGH} outcomes (--json).", style="dim"))
    standing = document["standing"]
    if standing is not None and standing["difference"] is not None:
        low, high = standing["interval"]
        parts.append(
            Text(
                f"Against the champion: {standing['blocks']} consecutive blocks won, log loss "
                f"{standing['difference']:+.4f} ({low:+.4f} to {high:+.4f}) on {standing['rows']} labels"
            )
        )
    elif standing is not None:
        parts.append(Text("Against the champion: no block won lately."))
    parts += _inside(document)
    return Group(*parts)


def explained_model(document: dict[str, Any]) -> RenderableType:
    """`rapport models explain`: what moves the model, in words."""
    lines: list[RenderableType] = [_heading(document)]
    strongest = max((group["strength"] for group in document["groups"]), default=0.0)
    for group in document["groups"]:
        if group["strength"] < 0.02 * strongest:
            continue
        bar = "█" * max(1, round(20 * group["strength"] / strongest))
        lines.append(Text.assemble((f"{bar:<20} ", "cyan"), (_WORDS.get(group["group"], group["group"]), "bold")))
        for row in group["features"][:_FEW]:
            effect = "raises" if row["weight"] > 0 else "lowers"
            lines.append(
                Text(f"{'':21}{row['meaning']}: {_spread(row)} more {effect} the log-odds by {abs(row['weight']):.2f}")
            )
    if document["groups"]:
        lines.append(
            Text("Features of a group say nearly the same and share what they say; read them together.", style="dim")
        )
    return Group(*lines, *(_numbers(document) if not document["groups"] else []))


def _spread(row: dict[str, Any]) -> str:
    """The spread of a feature, with its unit if that is one that can be counted."""
    unit = "" if row["unit"] in ("0 or 1", "0 to 1", "share", "–") else f" {row['unit']}"
    return f"{row['spread']:.2g}{unit}"


def explained_customer(document: dict[str, Any]) -> RenderableType:
    """`rapport models explain IDENTITY`."""
    table = Table("contribution", "group", "feature", "value", "what it is", box=None, pad_edge=False)
    table.add_row(f"{document['baseline']:+.3f}", "", "baseline", "", "the average customer of this model")
    for row in document["contributions"]:
        style = "red" if row["contribution"] > 0 else "green"
        table.add_row(
            Text(f"{row['contribution']:+.3f}", style=style),
            row["group"],
            row["feature"],
            f"{row['value']:.4g}",
            f"{row['meaning']}{' (' + row['unit'] + ')' if row['unit'] not in ('', '–') else ''}",
        )
    table.add_row(Text(f"{document['log_odds']:+.3f}", style="bold"), "", Text("log-odds of churn", style="bold"))
    shares = ", ".join(f"{row['group']} {row['contribution']:+.2f}" for row in document["groups"])
    parts: list[RenderableType] = [
        Text(f"Risk {document['risk']:.1%} by {document['model']}, as of {_minute(document['at'])}", style="bold"),
        Text(f"By group: {shares}" if shares else "This model says the same of everybody."),
        table,
    ]
    if not _sum_up(document):
        parts.append(
            Text(
                "Silence is all that has changed, in every feature of orders, since the next order was due; the rest "
                "of what silence features say is habit. So groups of order features are not the sums of their rows.",
                style="dim",
            )
        )
    if document["scored_by"] != document["model"]:
        parts.append(
            Text(
                f"The profile still shows {document['scored_risk']:.1%} by {document['scored_by']}; the model has "
                "changed since.",
                style="yellow",
            )
        )
    return Group(*parts)


def history_page(document: dict[str, Any]) -> RenderableType:
    """`rapport models history`."""
    table = Table("version", "at", "examples", "kept for", "spoke", "sound", "short log loss", title="Kept checkpoints")
    table.columns[1].no_wrap = True
    for kept in document["checkpoints"]:
        figures = kept["figures"].get("short", {}).get(kept["champion"], {})
        table.add_row(
            str(kept["version"]),
            _minute(kept["at"]),
            f"{kept['examples']:,}",
            kept["why"],
            kept["champion"],
            "yes" if kept["sound"] else "[red]no[/]",
            _number(figures.get("log_loss")),
        )
    changes = (
        (it["at"], f"{it['before']} → {it['model']}", f"{it['why']}: {it['text']}") for it in document["changes"]
    )
    return Group(table, _listed("Who spoke", changes))


def _champion_line(document: dict[str, Any]) -> Text:
    since = f" since {_minute(document['since'])}" if document["since"] else ""
    who = f", promoted by {document['decided_by']}" if document["decided_by"] else ""
    by = "labels of the whole horizon decide" if document["settled"] else "labels of the label horizon decide so far"
    return Text.assemble((document["champion"], "bold green"), f" speaks{since}{who}; {by}.")


def _sum_up(document: dict[str, Any]) -> bool:
    """Whether every group is the sum of its features, as of models that do not tell silence apart."""
    left = {row["group"]: row["contribution"] for row in document["groups"]}
    for row in document["contributions"]:
        left[row["group"]] = left.get(row["group"], 0.0) - row["contribution"]
    return all(abs(rest) < 1e-6 for rest in left.values())


def _models(models: Sequence[dict[str, Any]]) -> Iterator[Table]:
    """One table for each horizon: side by side they would not fit a terminal."""
    for horizon, title in _HORIZONS.items():
        table = _figures_table(title)
        table.add_column("examples" if horizon == "short" else "blocks won", justify="right")
        for model in models:
            standing = model["standing"]
            won = "" if standing is None else str(standing["blocks"])
            last = f"{model['examples']:,}" if horizon == "short" else won
            table.add_row(model["name"], *_figures(model[horizon]), last, style=_ROLE[model["role"]])
        yield table


def _heading(document: dict[str, Any]) -> Text:
    since = f" since {_minute(document['since'])}" if document["since"] else ""
    return Text.assemble(
        (document["name"], "bold"),
        f" ({document['id'] or 'has not learned enough'}), {document['role']}{since}: {document['meaning']}.",
    )


def _inside(document: dict[str, Any]) -> list[RenderableType]:
    if not document["groups"]:
        return _numbers(document)
    table = Table("group", "feature", "weight", "mean", "spread", "meaning", title="Weights, on the log-odds of churn")
    for group in document["groups"]:
        for row in group["features"]:
            numbers = (f"{row[name]:.3g}" for name in ("mean", "spread"))
            table.add_row(group["group"], row["feature"], f"{row['weight']:+.3f}", *numbers, row["meaning"])
    return [table, *_numbers(document)]


def _numbers(document: dict[str, Any]) -> list[RenderableType]:
    told = ", ".join(f"{name} {value:.4g}" for name, value in document["numbers"].items())
    return [Text(told)] if told else []


def _figures_table(title: str) -> Table:
    table = Table("", title=title)
    for name in ("rows", "AUC", "log loss", "ECE", "bias"):
        table.add_column(name, justify="right")
    return table


def _figures_row(table: Table, label: str, figures: dict[str, Any]) -> None:
    table.add_row(escape(label), *_figures(figures))


def _figures(figures: dict[str, Any]) -> list[str]:
    bias = figures["bias"]
    return [
        f"{figures['rows']:,}",
        *(_number(figures[name]) for name in ("auc", "log_loss", "ece")),
        "–" if bias is None else f"{bias:+.3f}",
    ]


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _signal(signal: dict[str, Any]) -> str:
    if signal["moved_at"] is None:
        return f"{signal['mean']:+.3f}, never moved"
    return f"{signal['mean']:+.3f}, moved {signal['before']:+.3f} → {signal['after']:+.3f} on {signal['moved_at'][:10]}"


def _listed(title: str, rows: Iterable[tuple[str, str, str]]) -> Table:
    table = Table("at", "", "", title=title, title_justify="left", box=None, pad_edge=False, show_header=False)
    for at, kind, text in rows:
        table.add_row(_minute(at), kind, escape(text))
    return table


def _minute(time: str) -> str:
    return time[:16].replace("T", " ")
