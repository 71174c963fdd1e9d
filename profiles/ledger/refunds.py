"""Which reports of refunds are of the same refund, though they do not say so.

A message of a refund counts for itself unless it says which refund it is, for an order may be paid back in parts. But
two senders that tell the same amount of the same order within a day speak of one refund: a shop and its help desk, a
browser and a server. Nobody tells one refund twice under two ids of messages more often than they pay back the same
amount twice in a day, so two reports of one sender stay two.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from hashlib import blake2b

from profiles.types import Entry

__all__ = ["WITHIN", "join_tellers", "refunds_told", "teller_of"]

WITHIN = 86400.0
"""Seconds between the first and the last report of one refund by several senders."""

_SEVERAL = b"#"
_BYTES = 3


def teller_of(source: str, *, named: bool) -> bytes:
    """A few bytes that stand for who tells of a refund.

    Args:
        source: of the event.
        named: whether it says which refund it is.
    """
    return blake2b(source.encode(), digest_size=_BYTES).digest() + (_SEVERAL if named else b"")


def join_tellers(one: bytes, other: bytes) -> bytes:
    """Who tells of a refund that says which it is, by two of its reports."""
    return one or other if one == other or not (one and other) else _SEVERAL


def refunds_told(reports: Iterable[Entry]) -> list[list[Entry]]:
    """The refunds of one order: the reports of each, the earliest first. The order of the reports does not matter.

    Args:
        reports: entries of refunds. Those without a teller, of before there were tellers, are each a refund.
    """
    refunds: list[list[Entry]] = []
    alike: defaultdict[tuple[int, str], list[list[Entry]]] = defaultdict(list)
    for report in sorted(reports, key=lambda each: (each.time, each.part)):
        of_amount = alike[report.amount, report.currency]
        refund = next((each for each in of_amount if _is_of(each, report)), None)
        if refund is not None:
            refund.append(report)
            continue
        refunds.append([report])
        if report.teller and report.currency:
            of_amount.append(refunds[-1])
    return refunds


def _is_of(refund: list[Entry], report: Entry) -> bool:
    """Whether a report is a further one of a refund of the same amount."""
    if not report.teller or report.time - refund[0].time > WITHIN:
        return False
    named = len(report.teller) != _BYTES
    return not any(
        (named and len(each.teller) != _BYTES)
        or (each.teller[:_BYTES] == report.teller[:_BYTES] and each.teller != _SEVERAL)
        for each in refund
    )
