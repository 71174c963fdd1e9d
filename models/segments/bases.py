"""On which of nine bases a segment divides customers: demographic, behavioural, value…"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from models.conditions.kind import Kind
from models.conditions.rules import SegmentBasis, SegmentRule
from models.conditions.tree import leaves

__all__ = ["bases_of"]

_TRAITS: tuple[tuple[SegmentBasis, tuple[str, ...]], ...] = (
    ("firmographic", ("company", "industry", "employee", "arr", "seats", "tier")),
    ("geographic", ("country", "region", "city", "address", "postal", "state", "timezone", "province")),
    ("technographic", ("device", "browser", "os_", "app_version", "platform")),
    ("psychographic", ("interest", "hobb", "lifestyle", "value", "tag", "attitude", "preference", "personality")),
    ("occasion", ("anniversary", "wedding", "occasion", "season")),
    ("demographic", ("age", "birth", "gender", "language", "title", "name", "education", "income", "marital", "child")),
)
"""What names of traits begin with, or hold after a dot or an underscore."""

_KEYS: dict[str, SegmentBasis] = {
    "company": "firmographic", "sum": "value", "ratio": "value", "quantile": "value", "rfm": "value",
    "cluster": "value", "opinion": "psychographic",
}  # fmt: skip
_ROLES: dict[str, SegmentBasis] = {
    "search": "needs", "stock_alert": "needs", "wishlist": "needs", "inquiry": "needs", "cart": "needs",
}  # fmt: skip
_WORDS: dict[str, SegmentBasis] = {
    "device": "technographic", "browser": "technographic", "os": "technographic", "country": "geographic",
    "weekday": "occasion", "hour": "occasion",
}  # fmt: skip


def bases_of(rules: Iterable[SegmentRule]) -> dict[str, SegmentBasis]:
    """By the name of each segment its basis: what the plan says, else what its condition reads.

    The first of its statements that looks at something else than behaviour decides; another segment that it names
    counts as what that one is. Of companies every segment is firmographic.
    """
    found: dict[str, SegmentBasis] = {}
    for rule in rules:
        if rule.basis is not None:
            found[rule.name] = rule.basis
        elif rule.grain == "company":
            found[rule.name] = "firmographic"
        else:
            read = (basis for leaf in leaves(rule.when) for basis in _reads(leaf, found))
            found[rule.name] = next((basis for basis in read if basis != "behavioural"), "behavioural")
    return found


def _reads(leaf: Kind, known: dict[str, SegmentBasis]) -> Iterator[SegmentBasis]:
    if leaf.key == "trait":
        yield _of_trait(str(getattr(leaf, "trait", "")))
    if leaf.key in _KEYS:
        yield _KEYS[leaf.key]
    for name in leaf.segments():
        yield known.get(name, "behavioural")
    yield from (_WORDS[word] for word in getattr(leaf, "where", None) or () if word in _WORDS)
    for role in leaf.roles():
        yield _ROLES.get(role, "behavioural")


def _of_trait(name: str) -> SegmentBasis:
    parts = [part for dotted in name.lower().split(".") for part in (dotted, *dotted.split("_"))]
    for basis, begins in _TRAITS:
        if any(part.startswith(begins) for part in parts):
            return basis
    return "behavioural"
