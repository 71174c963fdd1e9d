"""What of a member leaves: one row of the table, who may be in it, and how two tables differ."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from hashlib import blake2b, sha256
from typing import Any, Literal, NamedTuple

import orjson
import pyarrow as pa

from models.labels.treatment import held_out
from plan import Plan
from plan.sinks.audience_table import AudiencesSpec, Leaves
from profiles.claims import believed_trait
from profiles.consent import OUTREACH
from profiles.identity.placeholders import Placeholders
from profiles.identity.spelling import PII, normalise
from profiles.types import Profile, is_cell, is_shown

__all__ = ["CHANGES", "Change", "MemberRows", "Reason", "Row", "digests", "moves"]

Row = dict[str, Any]
"""A member, by the names of the columns."""

Reason = Literal["segment", "outreach", "held_out", "gone"]
"""Why somebody is in a table no more: left the segment; wants not to be reached; is of the share that is left alone;
is there no more, as who was erased or has become one with another."""

CHANGES = pa.schema(
    [
        ("profile", pa.string()),
        ("change", pa.string()),  # entered, left, changed
        ("since", pa.timestamp("us", "UTC")),  # of who entered or changed: since when they are in the segment
        ("reason", pa.string()),  # of who left
        ("at", pa.timestamp("us", "UTC")),  # when it was noticed
    ]
)

_TYPES = {"integer": pa.int64(), "number": pa.float64(), "money": pa.float64(), "boolean": pa.bool_()}
_MOST = 2**63


class Change(NamedTuple):
    """Somebody who entered or left a table, or of whom something else is told."""

    profile: str
    change: Literal["entered", "left", "changed"]
    since: int | None = None  # microseconds
    reason: str | None = None


class MemberRows:
    """Makes rows of profiles, as a plan says.

    Args:
        plan: with `audiences`.
        spec: what leaves.
    """

    def __init__(self, plan: Plan, spec: AudiencesSpec) -> None:
        self._plan = plan
        self._identities = dict(spec.identities)
        self._traits: dict[str, tuple[Leaves, str, PII]] = {
            name: (how, plan.traits[name].type, plan.traits[name].pii) for name, how in spec.traits.items()
        }
        self._spell = Placeholders()
        fields: list[tuple[str, pa.DataType]] = [("profile", pa.string()), ("since", pa.timestamp("us", "UTC"))]
        fields += [(f"id_{kind}", pa.list_(pa.string())) for kind in self._identities]
        fields += [
            (f"trait_{name}", pa.string() if how == "sha256" else _TYPES.get(kind, pa.string()))
            for name, (how, kind, _) in self._traits.items()
        ]
        self.schema = pa.schema(fields)

    def reason(self, profile: Profile | None, segment: str) -> Reason | None:
        """Why somebody may not be in the table of a segment; None if they are to be in it."""
        if profile is None or profile.redirect or not is_shown(profile) or is_cell(profile.id):
            return "gone"
        if segment not in profile.segments:
            return "segment"
        if not self._plan.consent.allows(profile, OUTREACH):
            return "outreach"
        return "held_out" if held_out(profile.id, self._plan.churn.hold_out) else None

    def row(self, profile: Profile, segment: str) -> Row:
        """What is told of a member."""
        told: Row = {"profile": profile.id, "since": _micros(profile.segments[segment].since)}
        for kind, how in self._identities.items():
            values = sorted(profile.identities.get(kind, ()))
            told[f"id_{kind}"] = [_sha256(value) for value in values] if how == "sha256" else values
        for name, (how, kind, pii) in self._traits.items():
            held = believed_trait(profile, name)
            value = None if held is None else held[0]
            told[f"trait_{name}"] = self._hashed(value, pii) if how == "sha256" else _fit(value, kind)
        return told

    def table(self, rows: list[Row]) -> pa.Table:
        """Rows as they are written."""
        return pa.Table.from_pylist(rows, self.schema)

    def _hashed(self, value: Any, pii: PII) -> str | None:
        text = normalise(value, pii, self._spell, self._plan.file.region) if value is not None else None
        return None if text is None else _sha256(text)


def digests(table: pa.Table) -> dict[str, bytes]:
    """A digest of each row, by profile id."""
    found: dict[str, bytes] = {}
    for batch in table.to_batches(10_000):
        for row in batch.to_pylist():
            found[row["profile"]] = blake2b(orjson.dumps(row), digest_size=8).digest()
    return found


def moves(
    before: Mapping[str, bytes], after: Mapping[str, bytes], since: Callable[[str], int], reasons: Mapping[str, str]
) -> Iterator[Change]:
    """What changed between two tables, by profile id.

    Args:
        before, after: digests of their rows.
        since: since when somebody of the second table is in the segment, microseconds.
        reasons: why who is in the first alone is in the second no more.
    """
    for profile in sorted(before.keys() | after.keys()):
        if profile not in after:
            yield Change(profile, "left", reason=reasons.get(profile, "segment"))
        elif profile not in before:
            yield Change(profile, "entered", since(profile))
        elif before[profile] != after[profile]:
            yield Change(profile, "changed", since(profile))


def _micros(seconds: float) -> int:
    return round(seconds * 1e6)


def _sha256(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def _fit(value: Any, kind: str) -> Any:
    """A value of a trait as its column holds it; None for what does not fit what the plan says of it."""
    if value is None:
        return None
    if kind == "boolean":
        return value if isinstance(value, bool) else None
    if kind in _TYPES:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            return None
        if kind != "integer":
            return float(value)
        return int(value) if int(value) == value and abs(value) < _MOST else None
    return value if isinstance(value, str) else orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
