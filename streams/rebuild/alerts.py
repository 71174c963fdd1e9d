"""The alerts of every customer, as the `alerts` topic last told them: what people decided must not be asked again."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from models.segments.alert_document import AlertDocument, stored_alert
from profiles.types import Alert
from streams.kafka.reader import Extent, Log
from streams.worker.learner import MODEL_NEWS

__all__ = ["Alerts", "of_owners", "read_alerts"]

Alerts = dict[str, dict[str, Alert]]
"""Profile → rule → the latest alert."""


class _Told(msgspec.Struct):
    id: str
    profile: str
    alert: AlertDocument


_decode = msgspec.json.Decoder(_Told).decode


async def read_alerts(log: Log, extents: list[Extent]) -> Alerts:
    """The latest alert of each rule that Kafka still knows of each customer."""
    found: Alerts = {}
    async for batch in log.read(extents, accept_gaps=True):  # what is deleted meanwhile is too old to count
        for record in batch.records:
            if record.key == MODEL_NEWS:
                continue
            told = _decode(record.value)
            _add(found, told.profile, _alert(told))
    return found


def of_owners(alerts: Alerts, owners: Mapping[str, str]) -> Alerts:
    """The same by the profiles that homes belong to now."""
    found: Alerts = {}
    for home, held in alerts.items():
        for alert in held.values():
            _add(found, owners.get(home, home), alert)
    return found


def _add(found: Alerts, profile: str, alert: Alert) -> None:
    held = found.setdefault(profile, {})
    if (other := held.get(alert.rule)) is None or _standing(alert) >= _standing(other):
        held[alert.rule] = alert


def _alert(told: _Told) -> Alert:
    """The alert, with the exact time of its change, which the id of a message ends with."""
    return msgspec.structs.replace(stored_alert(told.alert), changed=float(told.id.rpartition(":")[2]))


def _standing(alert: Alert) -> tuple[float, float]:
    return alert.opened, alert.changed
