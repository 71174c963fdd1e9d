"""A company's document: what its members' shares come to together.

It is a profile like any other, so that conditions, stages, segments and alerts look at it as at a customer's; what it
derives, its case, and the decisions on its alerts, are its own.
"""

from __future__ import annotations

import msgspec

from profiles.companies.team import Champions, count_team
from profiles.ledger.entries import accounts_of, forget_parts
from profiles.merge import merge, merge_ledgers
from profiles.state import Limits
from profiles.timeline import merge_timelines
from profiles.types import Company, Ledger, Part, Profile, Share, is_cell, is_company

__all__ = ["count_shares", "part_of_cell", "parts_of", "read_part", "take_over", "take_share"]

_encode = msgspec.msgpack.Encoder(order="sorted").encode
read_part = msgspec.msgpack.Decoder(Part).decode
"""What a member's events come to, of its bytes."""

_OWN = frozenset(
    {
        "id", "redirect", "identities", "seen", "splits", "score", "segments", "alerts", "snapshots", "stage",
        "stage_since", "stages", "rescore_at", "snapshot_at", "scheduled_at", "splitting", "treated_at", "claims",
        "affiliation", "churns", "company", "terms", "case",
    }
)  # fmt: skip
"""What a company has by itself; all else it has of its members."""

_COUNTED = tuple(name for name in Profile.__struct_fields__ if name not in _OWN)


def take_share(company: Profile, share: Share, kind: str) -> None:
    """Let a company know the newest share of a member; `count_shares` has to follow."""
    held = company.company = company.company or Company(kind, share.key)
    known = held.shares.pop(share.member, None) is not None
    for member in share.instead:
        held.shares.pop(member, None)
    if share.state:
        held.shares[share.member] = share.state
    if share.state or known or share.erased:
        held.erased = share.erased


def count_shares(company: Profile, limits: Limits, champions: Champions = Champions()) -> None:  # noqa: B008  (frozen)
    """Make of a company what its shares come to: the same whatever order they came in.

    Args:
        company: changed in place.
        limits: the bounds; of what a share keeps.
        champions: who carries the product.
    """
    held = company.company
    assert held is not None
    held.shares = dict(sorted(held.shares.items()))
    whole = Profile(company.id)
    events = Profile("")  # of all members; these and orders are joined at the end,
    ledgers: list[Ledger] = []  # for after each member that would take longer than all the rest
    joiners = [id_ for id_ in held.shares if is_company(id_) and not is_cell(id_)]
    parts = [read_part(held.shares[id_]) for id_ in (*(id_ for id_ in held.shares if id_ not in joiners), *joiners)]
    held.team = count_team(parts, champions)
    for part in parts[len(parts) - len(joiners) :]:  # how it is called, and the like, a company says of itself
        ours = {name for other in parts[: len(parts) - len(joiners)] for name in other.state.traits}
        part.state.traits = {name: held for name, held in part.state.traits.items() if name not in ours}
    since = min((part.since for part in parts), default=None)
    for part in parts:
        state = part.state
        events.timeline += state.timeline
        events.timeline_count += state.timeline_count
        state.timeline, state.timeline_count = b"", 0
        if not state.narrowed.keys() <= limits.parts:
            forget_parts(state, limits.parts)
        if (ledger := accounts_of(state)) is not None:
            ledgers.append(ledger)
            state.ledger = Ledger()
        merge(whole, state, limits)
    merge_timelines(whole, events, limits.timeline)
    if ledgers:
        merge_ledgers(whole, ledgers, limits)
    for name in _COUNTED:
        setattr(company, name, getattr(whole, name))
    company.identities = {} if since is None else {held.kind: {held.key: since}}


def part_of_cell(cell: Profile) -> Part:
    """What the members in one cell come to."""
    state = Profile("")
    for name in _COUNTED:
        setattr(state, name, getattr(cell, name))
    parts, team = parts_of(cell), cell.company.team if cell.company is not None else None
    return Part(min(part.since for part in parts.values()), 0, state, members=sorted(parts), team=team)


def take_over(company: Company, share: Share) -> None:
    """Let the members in the cell that shares be only there; who they are need not be kept twice."""
    if share.state:
        part = read_part(share.state)
        for member in part.members:
            company.shares.pop(member, None)
        company.shares[share.member] = _encode(msgspec.structs.replace(part, members=[]))


def parts_of(company: Profile) -> dict[str, Part]:
    """What each member's events come to, by the member's profile id."""
    return {} if company.company is None else {id_: read_part(packed) for id_, packed in company.company.shares.items()}
