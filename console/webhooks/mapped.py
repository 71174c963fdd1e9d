"""What a webhook's requests mean: a mapping of each kind, as files are mapped (`console/files/mapping`)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from functools import cache, cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, Field

from console.files.mapping.table_mapping import (
    OR,
    Also,
    BadRow,
    Items,
    LeftOut,
    TableMapping,
    load_mapping,
    spell_out,
    validated,
)
from console.files.shaping import Shaper
from console.webhooks.flattening import rows_of
from profiles.errors import WrongUse
from profiles.times import rfc3339

__all__ = ["Mapped", "WebhookMapping", "events_of", "ready_webhooks", "webhook_mapping"]

_FOLDER = Path(str(files("console.webhooks.ready")))


class WebhookMapping(TableMapping):
    """How requests of one kind become events."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rows: str = Field("", description="Path of a list whose members are rows; without it the body is one.")

    @cached_property
    def alternatives(self) -> dict[str, list[str]]:
        """What is called by several names → those names. Of a file one of them is a column; here a row may lack any."""
        parts: list[TableMapping | Also | Items] = [self, *self.also, *filter(None, [self.items])]
        found = (target.column for part in parts for target in part.map.values())
        return {column: column.removesuffix("?").split(OR) for column in found if column and OR in column}


Mapped = Mapping[str, tuple[WebhookMapping, ...]]
"""Kind of request, as the service calls it → its mappings, each of which makes events; none if it is left out."""


@cache
def ready_webhooks() -> tuple[str, ...]:
    """The services with a ready mapping."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.yaml")))


def webhook_mapping(service: str, own: Path | None = None) -> Mapped:
    """The mappings of a service: the ready ones, each kind of which an own file may say anew.

    Args:
        service: as the plan names it.
        own: a file of further mappings, or of others.

    Raises:
        WrongUse: a file cannot be read, or is no mapping; or there is none at all.
    """
    paths = [_FOLDER / f"{service}.yaml"] if service in ready_webhooks() else []
    found: dict[str, tuple[WebhookMapping, ...]] = {}
    for path in (*paths, *filter(None, [own])):
        found |= _read(path)
    if not found:
        raise WrongUse(f"nothing says what the webhooks of {service} mean; give a mapping")
    return found


def _read(path: Path) -> dict[str, tuple[WebhookMapping, ...]]:
    found = {}
    for kind, said in load_mapping(path).items():
        read = []
        for one in said if isinstance(said, list) else [] if said is None else [said]:
            if not isinstance(one, dict):
                raise WrongUse(f"{path}: {kind}: a mapping expected")
            spell_out(one)
            read.append(validated(WebhookMapping, one, f"{path}: {kind}"))
        found[str(kind)] = tuple(read)
    return found


def events_of(
    mappings: tuple[WebhookMapping, ...], name: str, body: dict[str, Any], raw: bytes, received: float
) -> Iterator[dict[str, Any]]:
    """The events of a request.

    Args:
        mappings: of its kind.
        name: of the webhook.
        body: of the request…
        raw: …and as it came.
        received: when, seconds; a mapping calls it `@received`.

    Raises:
        BadRow: it cannot be what it says.
    """
    number = 0
    body = body | {"@received": rfc3339(received)}
    for mapping in mappings:
        columns, rows = rows_of(body, mapping.rows, mapping.alternatives)
        if mapping.items and not rows:  # an order of nothing is one, too
            columns, rows = rows_of(body, "", mapping.alternatives)
        if not rows:
            continue
        try:
            shaper = Shaper(mapping, columns)
        except WrongUse as error:
            raise BadRow(str(error)) from error
        failed: list[str] = []
        for several in [rows] if shaper.grouped else [[row] for row in rows]:
            try:
                found = shaper.events(several, 1, failed)
            except LeftOut:
                continue
            for event in found:
                number += 1
                # The same for each delivery of one thing; not by ids in headers, which nobody has signed.
                event.setdefault("messageId", f"{name}-{hashlib.sha256(raw).hexdigest()[:32]}-{number}")
                yield event
        if failed:
            raise BadRow("; ".join(failed))
