"""What a load of history would do and what became of it: as a document for scripts, and as a page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from console.files.survey import Survey
from console.terminal.figures import counted, minute
from console.terminal.listing import Listing
from profiles.clock import ClockState
from profiles.times import rfc3339

__all__ = ["day", "preview_document", "preview_page", "summary_page"]

REBUILD = "rapport rebuild --from archive"


def day(time: float) -> str:
    """As in 2026-03-01."""
    return rfc3339(time)[:10]


def preview_document(found: Survey, state: ClockState | None) -> dict[str, Any]:
    """What a first reading found.

    Args:
        found: by the reading.
        state: where the clock stands; None where nobody could be asked.
    """
    preview = found.preview
    refused: Counter[tuple[str, str]] = Counter()
    for (source, name, _), count in preview.rejected.items():
        refused[source, name] += count
    return {
        "events": preview.count,
        "since": rfc3339(preview.since) if preview.count else None,
        "until": rfc3339(preview.until) if preview.count else None,
        "customers": preview.customers.count(),
        "customers_estimated": not preview.customers.exact,
        "by_event": [
            {"source": key[0], "event": key[1], "events": count, "flagged": preview.flagged[key],
             "rejected": refused[key]}
            for key, count in preview.events.most_common()
        ],
        "rejected": [
            {"source": key[0], "event": key[1], "reason": key[2], "events": count, "example": preview.examples[key]}
            for key, count in preview.rejected.most_common()
        ],
        "flagged": preview.flagged.total(),
        "claimed": [
            {"source": key[0], "event": key[1], "events": count} for key, count in preview.claimed.most_common()
        ],
        "bad_rows": sum(bad.count for bad in found.bad),
        "without_time": sum(bad.timeless for bad in found.bad),
        "examples_of_bad_rows": [line for bad in found.bad for line in bad.told()[:3]],
        "in_the_future": preview.future,
        "clock": state.phase if state is not None else None,
        "watermark": rfc3339(state.watermark) if state is not None and state.phase != "new" else None,
        "late": preview.late,
    }  # fmt: skip


def preview_page(document: dict[str, Any], *, clock: bool = True) -> RenderableType:
    """The same for people.

    Args:
        document: what was found.
        clock: say what the clock will do.
    """
    return Group(*_preview(document), *([Text(_clock(document))] if clock and document["events"] else []))


def _preview(document: dict[str, Any]) -> Iterator[RenderableType]:
    if document["events"]:
        about = "about " * document["customers_estimated"]
        yield Text(
            f"{counted(document['events'], 'event')} from {minute(document['since'])} to {minute(document['until'])}, "
            f"of {about}{counted(document['customers'], 'customer')}"
        )
    rows = [
        [row["event"], row["source"], *(f"{row[key]:,}" for key in ("events", "flagged", "rejected"))]
        for row in document["by_event"]
    ]
    yield Listing(("event", "source", "events", "flagged", "rejected"), rows, right=("events", "flagged", "rejected"))
    if document["rejected"]:
        total = sum(row["events"] for row in document["rejected"])
        yield Text(f"The plan would reject {total:,} of them:", "yellow")
        yield _rejected(document["rejected"], with_event=True)
    if document["claimed"]:
        total = sum(row["events"] for row in document["claimed"])
        names = ", ".join(dict.fromkeys(f"{row['event']} of {row['source']}" for row in document["claimed"][:5]))
        yield Text(
            f"Of {total:,} of them something is only claimed, as their source is public: orders, support, traits and "
            f"consent of people do not count there ({names})",
            "yellow",
        )
    if document["bad_rows"]:
        timeless = f", {document['without_time']:,} of them without a time" if document["without_time"] else ""
        yield Text(f"{counted(document['bad_rows'], 'row')} cannot become events{timeless}:", "yellow")
        for line in document["examples_of_bad_rows"]:
            yield Text(f"  {line}")
    if document["in_the_future"]:
        yield Text(f"{counted(document['in_the_future'], 'event')} of the future: they count as of now", "yellow")


def _clock(document: dict[str, Any]) -> str:
    """What the clock will do."""
    if document["clock"] is None:
        return "Redis does not answer, so what the clock will do is not known."
    if not document["late"]:
        return f"History from {document['since'][:10]}: the installation lives through it in order, and goes live warm."
    stands = "this installation is live"
    if document["clock"] != "live":
        stands = f"the clock stands at {minute(document['watermark'])}"
    return (
        f"{document['late']:,} of them are late, because {stands}: they "
        f"count in profiles, but give no stages, labels and alerts of their time. Afterwards run `{REBUILD}`."
    )


def summary_page(document: dict[str, Any]) -> RenderableType:
    """What became of a load, for people."""
    return Group(*_summary(document))


def _summary(document: dict[str, Any]) -> Iterator[RenderableType]:
    rejected = sum(row["events"] for row in document["rejected"] or ())
    yield Text(
        f"Load {document['load']}: {counted(document['events'], 'event')} sent, of "
        f"{counted(document['customers'], 'customer')}, from {minute(document['since'])} to "
        f"{minute(document['until'])}; {document['seconds']:,.0f} s"
    )
    if document["rejected"] is None:
        yield Text(
            f"The workers apply them now. `rapport rejected list --load {document['load']}` shows what they reject."
        )
        return
    yield Text(f"{document['accepted']:,} accepted, {rejected:,} rejected" + (":" if rejected else "."))
    if rejected:
        yield _rejected(document["rejected"])
        yield Text(f"`rapport rejected list --load {document['load']}` shows them.")
    for topic in document["paused"]:
        yield Text(
            f"The source of {topic} is paused, and some of the load waits there: `rapport source list`", "yellow"
        )
    if document["late"]:
        yield Text(
            f"{counted(document['late'], 'event')} came late: they count in profiles, but gave no stages, labels and "
            f"alerts of their time. `{REBUILD}` gives them.",
            "yellow",
        )


def _rejected(rows: Sequence[dict[str, Any]], *, with_event: bool = False) -> Listing:
    columns = ["source", *(["event"] if with_event else []), "reason", "events", "example"]
    cells = [[f"{row[name]:,}" if name == "events" else str(row[name]) for name in columns] for row in rows]
    return Listing(columns, cells, right=("events",), prose=True)
