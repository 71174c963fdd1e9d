"""Shares on their way: a customer's document tells each company what its events come to there, and takes it back.

A share travels as any record that is sent on: in the outbox of the commit that made it, through `profile.events`, to
the partition of its company. It holds all that the customer is to that company, so the latest is enough, and a batch of
events of one customer sends one. That repeats are known, whoever is killed and however batches are cut when they are
read again, each has its origin by the last record of its customer in the batch, and its number by the place of its
company among all of the customer's, whether or not the others are sent.
"""

from __future__ import annotations

import msgspec

from profiles.companies.counting import count_shares, part_of_cell, take_over, take_share
from profiles.companies.sharing import ERASED_COMPANY, Companies, told
from profiles.types import Company, Profile, Record, Share, is_cell, is_company
from streams.steps.work import Work

__all__ = ["ask_back", "hear", "let_go", "pass_back", "share_cell", "share_out", "take_back", "told_of"]


def share_out(work: Work, cause: Record, profile: Profile, companies: Companies) -> None:
    """Tell companies what a customer is to them, where that is not what they were told last."""
    held = profile.affiliation
    if held is None or profile.redirect or (profile.splitting is not None and not profile.splitting.done):
        return
    for key, part in companies.parts(profile):
        origin, member = work.origin(cause), held.members[key]
        packed, digest = told(part)
        if digest != member.sent or member.instead:
            share = Share(companies.id_of(key), key, profile.id, profile.updated, packed, origin=origin)
            share.instead, member.instead, member.sent = member.instead, [], digest
            work.touch(profile)
            work.send(share)


def take_back(work: Work, cause: Record, profile: Profile, companies: Companies, *, erased: bool = False) -> None:
    """Let no company count a customer any more who is taken apart or erased.

    Also one that was told nothing, as far as is known here: a document that was restored may not know of the share that
    was sent with its next commit.
    """
    for key in told_of(profile):
        company, origin = companies.id_of(key), work.origin(cause)
        work.send(Share(company, key, profile.id, profile.updated, erased=erased, origin=origin))


def ask_back(work: Work, cause: Record, loser: Profile, *, erased: bool = False) -> None:
    """Let one who was merged away take back their shares, once the winner has what they held.

    Had they done so before, a company would have neither meanwhile. The winner's share replaces theirs at once, unless
    one of theirs is still on its way. No other partition can say that it has come, so theirs has the last word.
    """
    for key in told_of(loser):
        work.send(Share(loser.id, key, loser.id, loser.updated, erased=erased, origin=work.origin(cause)))


def pass_back(work: Work, member: Profile | None, asked: Share, companies: Companies) -> None:
    """Take back a share as a member was asked to, unless they live again and are in that company."""
    if member is None or member.redirect or asked.key not in told_of(member):
        company = companies.id_of(asked.key)
        work.send(msgspec.structs.replace(asked, profile=company, origin=work.origin(asked)))


def told_of(profile: Profile) -> list[str]:
    """The companies that may keep a share of a customer."""
    members = profile.affiliation.members if profile.affiliation is not None else ()
    told = {*members, *(profile.splitting.told if profile.splitting is not None else ())}
    return sorted(told - {ERASED_COMPANY})


def let_go(work: Work, cause: Record, profile: Profile, companies: Companies) -> None:
    """Take back from before a split what no share of what was computed anew replaces."""
    splitting = profile.splitting
    if splitting is None or not splitting.done:
        return
    members = profile.affiliation.members if profile.affiliation is not None else ()
    for key in splitting.told:
        origin = work.origin(cause)
        if key not in members:
            work.send(Share(companies.id_of(key), key, profile.id, profile.updated, origin=origin))
    splitting.told = []


def hear(work: Work, company: Profile, share: Share, companies: Companies) -> None:
    """Let a company, or a cell of one, know of a share; counting has to follow.

    A company of many members is divided: each share goes on to the cell of its member, and the cells share with the
    company what their members come to together. So what is written because of one member has a bound. Until a cell says
    that it has a member, the member's share stays here, so that nobody is missing meanwhile.
    """
    held = company.company
    if held is not None and held.divided and not is_company(share.member):
        if share.member in held.shares:
            _replace(held, share)
            work.touch(company)
        _pass_on(work, share, share.member, share.state, companies, erased=share.erased)
        return
    if held is not None and is_cell(company.id) and not companies.has_room(held, share):
        work.outcomes["beyond"] += 1
        return
    take_share(company, share, companies.kind)
    held = company.company
    assert held is not None
    work.touch(company)
    if is_cell(company.id):
        return
    if not held.divided and (is_cell(share.member) or len(held.shares) > companies.whole):
        _divide(work, share, held, companies)  # one that was removed, and begins anew, has cells at once
    if is_cell(share.member):
        take_over(held, share)


def share_cell(work: Work, cause: Share, cell: Profile, companies: Companies) -> None:
    """Count a cell, and share with its company what its members come to; nothing is left of one without any."""
    held = cell.company
    if held is None or cell.id not in work.touched:
        return
    origin = work.origin(cause)
    packed = b""
    if held.shares:
        count_shares(cell, companies.limits, companies.champions)
        packed, _ = told(part_of_cell(cell))
    else:
        work.remove(cell)
    company = companies.id_of(held.key)
    work.send(Share(company, held.key, cell.id, cell.updated, packed, erased=held.erased, origin=origin))


def _replace(held: Company, share: Share) -> None:
    if share.state:
        held.shares[share.member] = share.state
    else:
        del held.shares[share.member]


def _divide(work: Work, cause: Share, held: Company, companies: Companies) -> None:
    held.divided = True
    for member, state in sorted(held.shares.items()):
        if not is_company(member):
            _pass_on(work, cause, member, state, companies)


def _pass_on(
    work: Work, cause: Share, member: str, state: bytes, companies: Companies, *, erased: bool = False
) -> None:
    cell, origin = companies.cell_of(cause.key, member), work.origin(cause)
    work.send(Share(cell, cause.key, member, cause.time, state, erased=erased, origin=origin))
