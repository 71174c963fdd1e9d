"""The documents about models as tables and sentences for a terminal."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from console.terminal.figures import counted, minute
from console.terminal.listing import Listing
from console.terminal.outlook import expected
from models.durations import DAY

__all__ = ["LATE", "explained_customer", "explained_model", "feature_list", "history_page", "model_page", "overview"]

LATE = 7 * DAY
"""Seconds after which a nightly model is too old: a week is what a bank holiday and a broken cron job take."""

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
    "returns": "returns and refunds",
    "price": "prices, discounts and coupons",
    "delivery": "deliveries",
    "product": "what they say of products",
    "season": "the customer's own season",
    "subscription": "the subscription",
    "contact": "messages read and unsubscribed from",
}
_FEW = 5  # features named of a group
_TOLD = 3  # groups that have changed
_ENOUGH = 30  # outcomes of a segment that its figures mean something from
_FIGURES = ("rows", "AUC", "log loss", "ECE", "bias")
_HORIZONS = {"short": "Order within the label horizon", "full": "Churn within the churn horizon"}


def overview(document: dict[str, Any]) -> RenderableType:
    """`rapport models list`."""
    parts: list[RenderableType] = [_champion_line(document)]
    if anew := document["began_anew"]:
        parts.append(Text(f"{minute(anew['at'])}: {anew['text']}.", style="yellow"))
    parts += _models(document["models"])
    parts += _grown(document["models"], time.time())
    parts += _leaving(document["leaving"])
    parts += _companies(document["companies"])
    signals = ", ".join(f"{name} {_signal(document['drift'][name])}" for name in ("error", "activity"))
    alarms = document["drift"]["alarms"]
    parts.append(Text(f"Drift: {counted(len(alarms), 'alarm') if alarms else 'no alarms'}; signals: {signals}."))
    for change in document["drift"]["changed"][:_TOLD]:
        parts.append(Text(f"{minute(change['at'])}: {change['text']}.", style="yellow"))
    if off := document["drift"]["segments"]:
        parts.append(Text(f"Off by more than chance in the segments {', '.join(off)}.", style="yellow"))
    if off := document["drift"]["groups"]:
        parts.append(Text(f"Off by more than chance for customers {' and '.join(off)}.", style="yellow"))
    if document["notices"]:
        parts.append(_listed("Latest news", ((it["at"], it["kind"], it["text"]) for it in document["notices"][:5])))
    if document["decisions"]:
        rows = (
            (it["at"], it["by"] or "somebody", f"{it['action']} {it['target']}: {it['text']}")
            for it in document["decisions"][:5]
        )
        parts.append(_listed("Latest decisions", rows))
    return Group(*parts)


def _leaving(told: dict[str, Any]) -> list[RenderableType]:
    """What the leaving score goes by, once hindsight has judged it."""
    if not told["labels"]:
        return []
    by = "with what is known of causes" if told["speaks"] == "causes" else "by orders and visits alone"
    figures = ", ".join(
        f"{name} {_number(told[of]['log_loss'])}" for name, of in (("with causes", "causes"), ("without", "btyd"))
    )
    text = f"The leaving score is told {by}; log loss of {told['labels']:,} labels of hindsight: {figures}."
    return [Text(text)]


_SCORECARDS = {"learned": "as they have taught it", "rules": "set by hand", "base_rate": "near the share that left"}


def _companies(told: dict[str, Any] | None) -> list[RenderableType]:
    """What predicts the risk of companies, and how good that is."""
    if told is None:
        return []
    names = {"shown": "as shown", "learned": "learned", "rules": "by hand", "base_rate": "base rate"}
    rows = [(words, *_figures(told[name])) for name, words in names.items()]
    title = f"Companies: the scorecard {_SCORECARDS[told['speaks']]} ({told['labels']:,} labels)"
    return [Listing(("", *_FIGURES), rows, right=_FIGURES, title=title)]


def _grown(models: Iterable[dict[str, Any]], now: float) -> list[RenderableType]:
    """When the nightly model was grown; in yellow if nobody seems to do it any more."""
    told: list[RenderableType] = []
    for model in models:
        if at := model.get("grown"):
            late = now - datetime.fromisoformat(at).timestamp() > LATE
            text = f"{model['name']} was grown at {minute(at)}"
            text += "; nobody has grown it for a week: does `rapport models refit` run?" if late else "."
            told.append(Text(text, style="yellow" if late else ""))
    return told


def model_page(document: dict[str, Any]) -> RenderableType:
    """`rapport models show NAME`."""
    parts: list[RenderableType] = [_heading(document)]
    for horizon, title in _HORIZONS.items():
        quality = document["horizons"][horizon]
        rows = [(scope, *_figures(quality[scope])) for scope in ("all", "untouched")]
        segments = quality["segments"].items()
        told = {name: figures for name, figures in segments if figures["rows"] >= _ENOUGH}
        rows += [(f"segment {name}", *_figures(figures)) for name, figures in told.items()]
        parts.append(Listing(("", *_FIGURES), rows, right=_FIGURES, title=title))
        if left := len(segments) - len(told):
            parts.append(Text(f"Not shown: {left} segments with fewer than {_ENOUGH} outcomes (--json).", style="dim"))
    standing = document["standing"]
    if standing is not None and standing["difference"] is not None:
        low, high = standing["interval"]
        parts.append(
            Text(
                f"Against the champion: the latest {standing['blocks']} blocks, log loss "
                f"{standing['difference']:+.4f} ({low:+.4f} to {high:+.4f}) on {standing['rows']} labels"
            )
        )
    elif standing is not None:
        parts.append(Text("Against the champion: no block yet that both answered."))
    if refused := document["refused"]:
        parts.append(Text(f"Refused: {refused}.", style="yellow"))
    parts += _by_group(document["calibration"])
    parts += _inside(document)
    return Group(*parts)


def _by_group(rows: list[dict[str, Any]]) -> list[RenderableType]:
    """How right the risks are that are shown of the customers of each group."""
    told = [row for row in rows if row["rows"] >= _ENOUGH]
    if not told:
        return []
    headings = ("rows", "churned", "bias", "±", "ECE", "uncalibrated")
    cells = [
        (f"customers {row['meaning']}", f"{row['rows']:,}", f"{row['rate']:.1%}", f"{row['bias']:+.1%}",
         f"{row['bias_error']:.1%}", f"{row['ece']:.3f}", f"{row['uncalibrated']:+.1%}")
        for row in told
    ]  # fmt: skip
    return [Listing(("", *headings), cells, right=headings, title="Risks as they are shown, by group of customers")]


def explained_model(document: dict[str, Any]) -> RenderableType:
    """`rapport models explain`: what moves the model, in words."""
    lines: list[RenderableType] = [_heading(document)]
    if document["groups"] and document["name"] == "stack":
        lines.append(Text("What moves the hazard, which the stack weighs with other models:", style="dim"))
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
    return Group(*lines, *(_numbers(document) if not document["groups"] or document["name"] == "stack" else []))


def _spread(row: dict[str, Any]) -> str:
    """The spread of a feature, with its unit if that is one that can be counted."""
    unit = "" if row["unit"] in ("0 or 1", "0 to 1", "share", "–") else f" {row['unit']}"
    return f"{row['spread']:.2g}{unit}"


def explained_customer(document: dict[str, Any]) -> RenderableType:
    """`rapport models explain IDENTITY`."""
    average = f"{document['baseline']:+.3f}", "baseline", "", "", "the average customer of this model"
    cells: list[Sequence[str | Text]] = [average]
    for row in document["contributions"]:
        unit = f" ({row['unit']})" if row["unit"] not in ("", "–") else ""
        style = "red" if row["contribution"] > 0 else "green"
        cells.append(
            [Text(f"{row['contribution']:+.3f}", style), row["feature"], row["group"], f"{row['value']:.4g}",
             f"{row['meaning']}{unit}"]
        )  # fmt: skip
    cells.append([Text(f"{document['log_odds']:+.3f}", "bold"), Text("log-odds of churn", "bold"), "", "", ""])
    headings = ("contribution", "feature", "group", "value", "what it is")
    table = Listing(headings, cells, right=("contribution", "value"), prose=True)
    shares = ", ".join(f"{row['group']} {row['contribution']:+.2f}" for row in document["groups"])
    parts: list[RenderableType] = [
        Text(f"Risk {document['risk']:.1%} by {document['model']}, as of {minute(document['at'])}", style="bold"),
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
    parts += expected(document.get("outlook"))
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
    if not document["checkpoints"] and not document["changes"]:
        return Text("Nothing is learned yet: no checkpoint was kept, and the champion has not changed.")
    rows = []
    for kept in document["checkpoints"]:
        figures = kept["figures"].get("short", {}).get(kept["champion"], {})
        sound = "yes" if kept["sound"] else Text("no", "red")
        rows.append(
            (str(kept["version"]), minute(kept["at"]), f"{kept['examples']:,}", kept["champion"], sound,
             _number(figures.get("log_loss")), kept["why"])
        )  # fmt: skip
    headings = ("version", "at", "examples", "champion", "sound", "short log loss", "kept for")
    numbers = ("version", "examples", "short log loss")
    table = Listing(headings, rows, right=numbers, prose=True, title="Kept checkpoints")
    changes = (
        (it["at"], f"{it['before']} → {it['model']}", f"{it['why']}: {it['text']}") for it in document["changes"]
    )
    return Group(table, _listed("Champions", changes))


def feature_list(document: dict[str, Any]) -> RenderableType:
    """`rapport models features`."""
    rows = [(row["name"], row["group"], row["unit"], row["meaning"]) for row in document["features"]]
    return Listing(("feature", "group", "unit", "what it is"), rows, prose=True)


def _champion_line(document: dict[str, Any]) -> Text:
    since = f" since {minute(document['since'])}" if document["since"] else ""
    who = f", promoted by {document['decided_by']}" if document["decided_by"] else ""
    by = "labels of the whole horizon decide" if document["settled"] else "labels of the label horizon decide so far"
    return Text.assemble((document["champion"], "bold green"), f" is champion{since}{who}; {by}.")


def _sum_up(document: dict[str, Any]) -> bool:
    """Whether every group is the sum of its features, as of models that do not tell silence apart."""
    left = {row["group"]: row["contribution"] for row in document["groups"]}
    for row in document["contributions"]:
        left[row["group"]] = left.get(row["group"], 0.0) - row["contribution"]
    return all(abs(rest) < 1e-6 for rest in left.values())


def _models(models: Sequence[dict[str, Any]]) -> Iterator[Listing]:
    """One table for each horizon: side by side they would not fit a terminal."""
    for horizon, title in _HORIZONS.items():
        last = "examples" if horizon == "short" else "blocks"
        rows = []
        for model in models:
            standing = model["standing"]
            won = "" if standing is None else str(standing["blocks"])
            cells = (model["name"], *_figures(model[horizon]), f"{model['examples']:,}" if last == "examples" else won)
            rows.append([Text(cell, _ROLE[model["role"]]) for cell in cells])
        yield Listing(("", *_FIGURES, last), rows, right=(*_FIGURES, last), title=title)


def _heading(document: dict[str, Any]) -> Text:
    since = f" since {minute(document['since'])}" if document["since"] else ""
    return Text.assemble(
        (document["name"], "bold"),
        f" ({document['id'] or 'has not learned enough'}), {document['role']}{since}: {document['meaning']}.",
    )


def _inside(document: dict[str, Any]) -> list[RenderableType]:
    if not document["groups"]:
        return _numbers(document)
    rows = [
        (row["feature"], group["group"], f"{row['weight']:+.3f}", f"{row['mean']:.3g}", f"{row['spread']:.3g}",
         row["meaning"])
        for group in document["groups"]
        for row in group["features"]
    ]  # fmt: skip
    headings = ("feature", "group", "weight", "mean", "spread", "meaning")
    numbers = ("weight", "mean", "spread")
    table = Listing(headings, rows, right=numbers, prose=True, title="Weights, on the log-odds of churn")
    return [table, *_numbers(document)]


def _numbers(document: dict[str, Any]) -> list[RenderableType]:
    told = ", ".join(f"{name} {value:.4g}" for name, value in document["numbers"].items())
    return [Text(told)] if told else []


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


def _listed(title: str, rows: Iterable[tuple[str, str, str]]) -> Listing:
    told = [(minute(at), kind, text) for at, kind, text in rows]
    return Listing(("at", "", ""), told, prose=True, title=title)
