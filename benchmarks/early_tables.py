"""The figures of an early warning as tables."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table

__all__ = ["show"]


def show(document: dict[str, Any]) -> None:
    out = Console()
    out.print(
        f"[bold]{document['world']}[/bold]: {document['customers']:,} customers, {document['events']:,} events, "
        f"{document['scores']:,} scores, churn {document['churn']:.3f}; {document['seconds']} s, "
        f"{document['peak_mib']} MiB; {document['machine']}"
    )
    out.print(_reached(document))
    out.print(_figures(document))
    out.print(_alerts(document))
    out.print(_groups(document))
    out.print(_reasons(document))
    for name, spans in document["drift"].items():
        told = ", ".join(f"{span} {bias:+.3f}" for span, bias in spans.items())
        out.print(f"Bias of the price-sensitive around the drift, {name}: {told}")
    for third, figure in document.get("cdnow", {}).items():
        out.print(f"CDNOW, third {third}: AUC {figure['auc']:.4f}, log loss {figure['log_loss']:.4f}, "
                  f"ECE {figure['ece']:.4f}")  # fmt: skip


def _reasons(document: dict[str, Any]) -> Table:
    """Rows without a cause tell how often one is told all the same."""
    table = Table(title="True cause named, where the log shows it; of base and of who stays, any")
    for heading in ("", "cause", "customers", "first reason", "first three"):
        table.add_column(heading)
    for when, causes in document["reasons"].items():
        for cause, named in causes.items():
            table.add_row(
                when, cause or "none", str(named["customers"]), f"{named['first']:.0%}", f"{named['three']:.0%}"
            )
    return table


def _reached(document: dict[str, Any]) -> Table:
    """What issue and readers ask for first: the product, what is possible, and the aim."""
    on, risk = document["alerted_on"], document["no_order"]
    mine, best = document["alerts"][on], document["alerts"]["filter"]
    area, highest = document["leaving_auc"][on], document["leaving_auc"]["filter"]
    champion, groups = risk["champion"], document["groups"]["champion"].values()
    none = {"first": 0.0, "three": 0.0}
    causes = document["reasons"]["at the end of their last week"]
    reasons, false = causes.get("all", none), causes.get("base", none)
    table = Table(title=f"Early enough: alerts on {on!r}, risk of the champion")
    for heading in ("figure", "product", "filter", "aim"):
        table.add_column(heading)
    table.add_row("leaves soon, who still orders: AUC", f"{area:.3f}", f"{highest:.3f}", "≥ .62")
    for name, key, aim in (
        ("alerts on a budget: before they leave", "before", "≥ .40"), ("… right, or nearly", "precision", "≥ .55"),
        ("… ended within two weeks", "ended", "≤ .10"), ("… customers alerted again", "repeated", "≤ .08"),
    ):  # fmt: skip
        table.add_row(name, f"{mine[key]:.3f}", f"{best[key]:.3f}", aim)
    table.add_row("… weeks of lead, median", *("–" if each["lead"] is None else f"{each['lead']:.0f}"
                                                for each in (mine, best)), "≥ 0")  # fmt: skip
    table.add_row("risk: share of the filter's AUC", f"{champion['of_the_oracle']:.3f}", "1", "≥ .93")
    table.add_row("risk: log loss", f"{champion['log_loss']:.4f}", f"{risk['filter']['log_loss']:.4f}", "≤ .345")
    table.add_row("true cause, first reason", f"{reasons['first']:.2f}", "", "≥ .60")
    table.add_row("true cause, first three", f"{reasons['three']:.2f}", "", "≥ .85")
    table.add_row("a cause told of who leaves without", f"{false['three']:.2f}", "", "≤ .30")
    table.add_row("worst kind: bias", f"{max((abs(g['bias']) for g in groups), default=0):.3f}", "", "≤ .03")
    table.add_row("worst kind: ECE", f"{max((g['ece'] for g in groups), default=0):.3f}", "", "≤ .05")
    return table


def _figures(document: dict[str, Any]) -> Table:
    table = Table(title=f"AUC of leaving among {document['leaving_rows']:,} who still order; and no order in time")
    for heading in ("", "leaving AUC", "AUC", "of the oracle", "log loss", "ECE"):
        table.add_column(heading)
    for name, area in document["leaving_auc"].items():
        row = document["no_order"].get(name)
        told = [f"{row['auc']:.4f}", f"{row['of_the_oracle']:.1%}", f"{row['log_loss']:.4f}", f"{row['ece']:.4f}"] if (
            row is not None and row["auc"] is not None) else []  # fmt: skip
        table.add_row(name, f"{area:.3f}", *told)
    return table


def _alerts(document: dict[str, Any]) -> Table:
    table = Table(title=f"Alerts, {document['budget']:.0f} unless a threshold is given")
    for heading in ("", "alerts", "customers", "precision", "recall", "before", "lead", "ended in 2 w", "repeated"):
        table.add_column(heading)
    for name, found in [*document["alerts"].items(), *document["shipped_alerts"].items()]:
        low, lead, high = (found[key] for key in ("lead_10", "lead", "lead_90"))
        told = "–" if lead is None else f"{lead:.0f} [{low:.0f}, {high:.0f}]"
        shares = [f"{found[key]:.3f}" for key in ("precision", "recall", "before")]
        counts = str(found["alerts"]), str(found["customers"])
        often = f"{found['ended']:.0%}", f"{found['repeated']:.0%}"
        table.add_row(f"{name} ≥ {found['threshold']:.2f}", *counts, *shares, told, *often)
    return table


def _groups(document: dict[str, Any]) -> Table:
    table = Table(title="Calibration by kind of customer: the champion, and the filter")
    for heading in ("kind", "scores", "bias", "ECE", "AUC", "log loss", "filter: bias", "ECE", "AUC"):
        table.add_column(heading)
    for kind, group in document["groups"]["champion"].items():
        best = document["groups"]["filter"][kind]
        area, highest = (f"{each['auc']:.3f}" if each["auc"] is not None else "–" for each in (group, best))
        table.add_row(kind, f"{group['rows']:,}", f"{group['bias']:+.3f}", f"{group['ece']:.3f}", area,
                      f"{group['log_loss']:.3f}", f"{best['bias']:+.3f}", f"{best['ece']:.3f}", highest)  # fmt: skip
    return table
