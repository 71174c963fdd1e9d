"""The columns of the archive, and the way from an event to a row and back. The round trip is exact."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, NamedTuple

import orjson
import pyarrow as pa
from msgspec import structs

from profiles.types import Claim, Event, Grouping, Identity, Terms

__all__ = [
    "EVENTS", "FACTS", "LINKS", "SAID", "VERSION", "Derive", "Link", "Placed", "consent", "day_of", "events_in",
    "links_table", "to_table", "with_facts",
]  # fmt: skip

VERSION = 2
"""Of the columns, in the metadata of every file as `rapport.version`; it grows when a column changes its meaning."""

_TIME = pa.timestamp("us", "UTC")
_IDENTITIES = pa.list_(pa.struct([pa.field("type", pa.string()), pa.field("value", pa.string())]))

_ITEM = pa.struct(
    [
        ("product", pa.string()),
        ("category", pa.string()),
        ("quantity", pa.float64()),
        ("price", pa.int64()),
        ("cost", pa.int64()),
    ]
)

FACTS: dict[str, pa.DataType] = {
    "items": pa.list_(_ITEM),
    **dict.fromkeys(("product", "feature", "topic", "reason"), pa.string()),
    **dict.fromkeys(("cost", "discount", "shipping"), pa.int64()),
    **dict.fromkeys(("channel", "device", "os", "browser", "locale"), pa.string()),
    **dict.fromkeys(("utm_source", "utm_medium", "utm_campaign", "referrer"), pa.string()),
    **dict.fromkeys(("department", "agent", "resolution"), pa.string()),
    "results": pa.int32(),
    "in_stock": pa.bool_(),
    **dict.fromkeys(("text", "language", "company", "plan"), pa.string()),
    "seats": pa.int32(),
    "mrr": pa.int64(),
    "interval": pa.string(),
    "starts": _TIME,
    "ends": _TIME,
}
"""The columns that are derived from the others by the plan (`analysis.archive.facts`): null in files of version 1."""

Derive = Callable[[Event], Sequence[Any]]
"""From an event to the values of FACTS, in their order."""

EVENTS = pa.schema(
    [
        ("id", pa.string()),
        ("source", pa.string()),
        ("type", pa.string()),
        ("name", pa.string()),
        ("role", pa.string()),
        ("time", _TIME),
        ("received", _TIME),
        ("home", pa.string()),
        ("identities", _IDENTITIES),
        ("traits", pa.string()),
        ("amount", pa.int64()),
        ("currency", pa.string()),
        ("quantity", pa.float64()),
        ("subject", pa.string()),
        ("rating", pa.float64()),
        ("properties", pa.string()),
        ("context", pa.string()),
        ("violations", pa.list_(pa.string())),
        ("consent_analytics", pa.bool_()),
        ("origin_topic", pa.string()),
        ("origin_partition", pa.int32()),
        ("origin_offset", pa.int64()),
        ("log_partition", pa.int32()),
        ("log_offset", pa.int64()),
        ("time_exact", pa.float64()),
        ("received_exact", pa.float64()),
        ("category", pa.string()),  # null in files that were written before there were any
        ("claim", pa.string()),  # likewise
        ("group", pa.string()),  # likewise
        ("refund", pa.string()),  # likewise
        ("remembered", _IDENTITIES),  # likewise
        ("signed", pa.bool_()),  # likewise
        ("terms", pa.string()),  # likewise
        ("shown", pa.string()),  # likewise
        *FACTS.items(),
    ],
    metadata={"rapport.table": "events", "rapport.version": str(VERSION)},
)
"""One row per event. docs/archive.md says what each column means."""

SAID: tuple[str, ...] = tuple(name for name in EVENTS.names if name not in FACTS)
"""The columns that an event is made of: all but FACTS."""

LINKS = pa.schema(
    [
        ("kind", pa.string()),
        ("home", pa.string()),
        ("profile", pa.string()),
        ("time", _TIME),
        ("split", pa.string()),
        ("origin_topic", pa.string()),
        ("origin_partition", pa.int32()),
        ("origin_offset", pa.int64()),
        ("log_partition", pa.int32()),
        ("log_offset", pa.int64()),
        ("note", pa.string()),  # null in files that were written before there were any
    ],
    metadata={"rapport.table": "links", "rapport.version": str(VERSION)},
)
"""One row per decision about whom a home belongs to."""

_AT_ONCE = 500  # rows
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PLAIN = (
    "id", "source", "type", "name", "role", "amount", "currency", "quantity", "subject", "rating", "violations",
)  # fmt: skip
_JSON = ("traits", "properties", "context")


class Placed(NamedTuple):
    """An event and its place in `profile.events`."""

    event: Event
    partition: int
    offset: int


class Link(NamedTuple):
    """One decision: from now on this home belongs to this profile."""

    kind: str  # merge, split; company: a company counts for another one, or, for "", for itself again
    home: str
    profile: str
    time: float
    split: str
    origin_topic: str
    origin_partition: int
    origin_offset: int
    log_partition: int
    log_offset: int
    note: str | None = None  # of a company: both names, by whom and why, as JSON


def day_of(time: float) -> str:
    """The UTC day of a time, `YYYY-MM-DD`."""
    return (_EPOCH + timedelta(seconds=time)).date().isoformat()


def to_table(placed: Sequence[Placed], derive: Derive | None = None) -> pa.Table:
    """The rows of these events, by home and time.

    Args:
        placed: the events.
        derive: says what FACTS they have; without it they have none.
    """
    rows = sorted(placed, key=lambda row: (row.event.profile, row.event.time, row.offset))
    events = [row.event for row in rows]
    columns: dict[str, list[Any]] = {name: [getattr(event, name) for event in events] for name in _PLAIN}
    columns |= {name: [_dump(getattr(event, name)) for event in events] for name in _JSON}
    for name in ("time", "received"):
        exact = [getattr(event, name) for event in events]
        columns[name] = micros = [round(time * 1e6) for time in exact]
        columns[f"{name}_exact"] = [None if us / 1e6 == time else time for us, time in zip(micros, exact, strict=True)]
    columns["home"] = [event.profile for event in events]
    columns["category"] = [event.category for event in events]
    columns["refund"] = [event.refund for event in events]
    columns["remembered"] = [_named(event.remembered) for event in events]
    columns["signed"] = [event.signed for event in events]
    columns["claim"] = [None if event.claim is None else _dump(structs.asdict(event.claim)) for event in events]
    columns["group"] = [None if event.group is None else _dump(structs.asdict(event.group)) for event in events]
    columns["terms"] = [None if event.terms is None else _dump(structs.asdict(event.terms)) for event in events]
    columns["shown"] = [_dump(event.shown) if event.shown else None for event in events]
    columns["identities"] = [_named(event.identities) for event in events]
    columns["consent_analytics"] = [consent(event, "analytics") for event in events]
    columns["origin_topic"] = [event.origin[0] for event in events]
    columns["origin_partition"] = [event.origin[1] for event in events]
    columns["origin_offset"] = [event.origin[2] for event in events]
    columns["log_partition"] = [row.partition for row in rows]
    columns["log_offset"] = [row.offset for row in rows]
    columns |= _derived(events, derive) if derive is not None else dict.fromkeys(FACTS, [None] * len(events))
    return pa.table([pa.array(columns[field.name], field.type) for field in EVENTS], schema=EVENTS)


def with_facts(table: pa.Table, derive: Derive) -> pa.Table:
    """Rows of events with FACTS derived anew, in the same order."""
    facts = _derived(events_in(table), derive)
    return pa.table(
        [pa.array(facts[f.name], f.type) if f.name in FACTS else table[f.name] for f in EVENTS], schema=EVENTS
    )


def _derived(events: Iterable[Event], derive: Derive) -> dict[str, list[Any]]:
    """The columns of FACTS; a few rows at a time, so that there are never many."""
    columns: list[list[Any]] = [[] for _ in FACTS]
    left = iter(events)
    while rows := [derive(event) for event in islice(left, _AT_ONCE)]:
        for column, values in zip(columns, zip(*rows, strict=True), strict=True):
            column.extend(values)
    return dict(zip(FACTS, columns, strict=True))


def links_table(links: Sequence[Link]) -> pa.Table:
    """The rows of these decisions, by home."""
    rows = sorted(links, key=lambda link: (link.home, link.log_offset))
    columns = {name: [getattr(link, name) for link in rows] for name in LINKS.names}
    columns["time"] = [round(time * 1e6) for time in columns["time"]]
    return pa.table([pa.array(columns[field.name], field.type) for field in LINKS], schema=LINKS)


def events_in(table: pa.Table) -> Iterator[Event]:
    """The events of rows, in their order; each equal to the one that was archived."""
    for batch in table.to_batches(max_chunksize=10_000):
        columns = {name: batch.column(name) for name in batch.schema.names}
        values = {name: columns[name].to_pylist() for name in (*_PLAIN, "home", "identities")}
        values |= {name: [orjson.loads(text) for text in columns[name].to_pylist()] for name in _JSON}
        for name in ("time", "received"):
            micros = columns[name].cast(pa.int64()).to_pylist()
            exact = columns[f"{name}_exact"].to_pylist()
            values[name] = [us / 1e6 if time is None else time for us, time in zip(micros, exact, strict=True)]
        values["profile"] = values.pop("home")
        values["claim"] = [text and _claim(text) for text in columns["claim"].to_pylist()]
        values["group"] = [text and Grouping(**orjson.loads(text)) for text in columns["group"].to_pylist()]
        values["terms"] = [text and Terms(**orjson.loads(text)) for text in columns["terms"].to_pylist()]
        values["shown"] = [orjson.loads(text) if text else {} for text in columns["shown"].to_pylist()]
        for name in ("category", "refund"):
            values[name] = [text or "" for text in columns[name].to_pylist()]
        values["remembered"] = [_pairs(held or []) for held in columns["remembered"].to_pylist()]
        values["signed"] = [bool(signed) for signed in columns["signed"].to_pylist()]
        values["identities"] = [_pairs(held) for held in values["identities"]]
        origins = (columns[f"origin_{part}"].to_pylist() for part in ("topic", "partition", "offset"))
        values["origin"] = list(zip(*origins, strict=True))
        names = tuple(values)
        for row in zip(*values.values(), strict=True):
            yield Event(**dict(zip(names, row, strict=True)))


def consent(event: Event, purpose: str) -> bool | None:
    """What an event says about consent to a purpose, None when it says nothing.

    A trait `consent.PURPOSE` comes first, of what is only claimed a visitor's no; else `context.consent`, either
    purposes with yes or no, or Segment's form, which has them under `categoryPreferences`. Upper and lower case are the
    same there.
    """
    said = event.traits.get(f"consent.{purpose}")
    if type(said) is bool:
        return said
    if event.claim is not None:
        # Of a browser whose owner nobody knows a no is heeded, also once it is known: no harm comes of it.
        no = not event.claim.named and event.claim.traits.get(f"consent.{purpose}") is False
        return False if no else None
    held = event.context.get("consent")
    if type(held) is not dict:
        return None
    preferences = held.get("categoryPreferences", held)
    if type(preferences) is not dict:
        return None
    return next((given for name, given in preferences.items() if name.lower() == purpose and type(given) is bool), None)


def _dump(value: dict[str, Any]) -> str:
    return orjson.dumps(value).decode() if value else "{}"


def _claim(text: str) -> Claim:
    held = orjson.loads(text)
    return Claim(**{**held, "identities": [(kind, value) for kind, value in held["identities"]]})


def _named(held: list[Identity]) -> list[dict[str, str]]:
    return [{"type": kind, "value": value} for kind, value in held]


def _pairs(held: list[dict[str, str]]) -> list[Identity]:
    return [(identity["type"], identity["value"]) for identity in held]
