"""How two cases of customers who turn out to be one become one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import structs

from profiles.times import to_microsecond
from profiles.types import Alert, Case, CaseEntry

__all__ = [
    "HISTORY", "MERGED", "NOTES", "OVER", "STANDING", "answers_to", "join_cases", "later_than", "latest", "newness",
]  # fmt: skip

STANDING = ("new", "acknowledged", "snoozed")
"""States of a case that somebody has something to do with, or will have."""

OVER = ("resolved", "cleared")

HISTORY, NOTES, MERGED = 20, 10, 8


def answers_to(case: Case | None, id_: str) -> bool:
    """Whether a case is the one of this id, or has taken it in."""
    return case is not None and (case.id == id_ or id_ in case.merged)


def later_than(before: Case | Alert, at: float) -> float:
    """When a case or alert changes that changes at `at`: later than before, whatever a person's clock says.

    Its states are told from the partitions of all whose it was, which nobody reads in one order: only their times say
    which is the newer one.
    """
    return max(to_microsecond(at), to_microsecond(before.changed + 1e-6))


def newness(case: Case) -> tuple[float, bool, int]:
    """By which the newest of several states of one case is told: of one time the one that is over, then the one that
    has taken in more, since a merge alone changes no time."""
    return case.changed, case.state in OVER, len(case.merged)


def latest(entries: Iterable[CaseEntry], kept: int) -> list[CaseEntry]:
    """The latest entries in order, each once: the same in whatever order they came together."""
    return sorted(dict.fromkeys(entries), key=structs.astuple)[-kept:]


def join_cases(one: Case | None, other: Case | None) -> Case | None:
    """The case of both: it stands if either does, began when the earlier did, and has the rules of both.

    What people decided last of the two counts. Whose it is has to be asked anew (""), unless a person gave it to
    somebody. Of one that is over beside one that stands only notes and history stay.
    Which comes first makes no difference, nor does the order in which several come together. What a case was, or has
    taken in before, changes nothing in it: that comes again when a store was set back.
    """
    if one is None or other is None:
        return one or other
    for case, inside in ((one, other), (other, one)):
        if inside.id in case.merged and {*inside.merged} <= {case.id, *case.merged}:
            return case
    notes, history = latest([*one.notes, *other.notes], NOTES), latest([*one.history, *other.history], HISTORY)
    if one.id == other.id:
        newer = max(one, other, key=newness)
        return structs.replace(newer, notes=notes, history=history, merged=_ids([*one.merged, *other.merged], one.id))
    first, second = sorted((one, other), key=_weight)  # the second weighs more
    if first.state not in STANDING or second.state not in STANDING:
        return structs.replace(second, notes=notes, history=history)
    begun = min((one, other), key=lambda case: (case.opened, case.id))
    return structs.replace(
        second,
        id=begun.id,
        opened=begun.opened,
        risk=begun.risk,
        model=begun.model,
        as_of=begun.as_of,
        reasons=begun.reasons,
        rules=_earliest(one.rules, other.rules),
        owner=_owner(one, other),
        given=max(one.given, other.given),
        notes=notes,
        history=history,
        merged=_ids([one.id, other.id, *one.merged, *other.merged], begun.id),
    )


def _weight(case: Case) -> tuple[object, ...]:
    return (
        case.state in STANDING, case.changed, case.state, case.assignee, case.until, case.worse, case.kind,
        case.outcome, case.slept_risk or 0.0, case.slept_complaints, case.owner, case.value or 0, case.valued_at,
        case.id,
    )  # fmt: skip


def _owner(one: Case, other: Case) -> str:
    given = max((one, other), key=lambda case: (case.given, case.owner))
    return given.owner if given.given else ""


def _earliest(ours: dict[str, float], theirs: dict[str, float]) -> dict[str, float]:
    both = {rule: min(ours.get(rule, at), at) for rule, at in theirs.items()}
    return dict(sorted((ours | both).items()))


def _ids(ids: Sequence[str], kept: str) -> list[str]:
    return sorted({*ids} - {kept})[:MERGED]
