"""Two companies that are one, on a person's word: the one goes on as it is, and counts for the other as a part of it.

It keeps the shares of its members and has a share in the other company, as the cells of a large company have. So the
word can be taken back at any time, and nothing has to be computed anew. Only what its own members come to is passed on,
never what another company counts for it: however people join companies, nothing goes in circles.
"""

from __future__ import annotations

import msgspec

from profiles.companies.counting import count_shares, part_of_cell
from profiles.companies.sharing import Companies, told
from profiles.types import Company, Join, Joined, Profile, Record, Share, is_cell, is_company
from streams.steps.work import Work

__all__ = ["join", "share_joined"]


def join(work: Work, company: Profile, command: Join) -> bool:
    """Note a person's word, if there is no later one; whether it counts."""
    held = company.company
    if held is None or command.target == company.id:
        return False
    before = held.joined
    if before is not None and (command.time, command.target) <= (before.at, before.target):
        return False
    if before is None or before.target != command.target:
        _leave(work, command, company)
        held.joined = Joined(command.target, command.into, command.time, command.by, command.reason)
    else:
        held.joined = msgspec.structs.replace(before, at=command.time, by=command.by, reason=command.reason)
    work.touch(company)
    return True


def _leave(work: Work, cause: Record, company: Profile) -> None:
    """Let a company count for no other one any more."""
    joined = company.company.joined if company.company is not None else None
    if joined is not None and joined.target:
        origin = work.origin(cause)
        work.send(Share(joined.target, joined.into, company.id, company.updated, origin=origin))


def share_joined(work: Work, cause: Record, company: Profile, companies: Companies) -> None:
    """Tell the other company what this one's members come to, where that is not what it was told last."""
    held = company.company
    if held is None or held.joined is None or not held.joined.target:
        return
    joined, origin, packed = held.joined, work.origin(cause), b""
    if own := _own(company, companies):
        packed, digest = told(msgspec.structs.replace(part_of_cell(own), members=[]))
    else:
        digest = b""
    if digest != joined.sent:
        joined.sent = digest
        work.send(
            Share(joined.target, joined.into, company.id, company.updated, packed, erased=held.erased, origin=origin)
        )


def _own(company: Profile, companies: Companies) -> Profile | None:
    """The company as its own members make it; None without any."""
    held = company.company
    assert held is not None
    shares = {id_: state for id_, state in held.shares.items() if is_cell(id_) or not is_company(id_)}
    if not shares or len(shares) == len(held.shares):
        return company if shares else None
    own = Profile(company.id, updated=company.updated, company=Company(held.kind, held.key, shares))
    count_shares(own, companies.limits, companies.champions)
    return own
