"""Two companies that are one, on a person's word: the one goes on as it is, and counts for the other as a part of it.

It keeps the shares of its members and has a share in the other company, as the cells of a large company have. So the
word can be taken back at any time, and nothing has to be computed anew. What others count for it is passed on with it.
Words that would close a ring do not count (`is_joined`) until those before them are taken back: which do depends on
what was said and when alone, not on which company hears of it first. For that a company tells the other one of a word
even when nobody is in it.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

import msgspec

from profiles.companies.counting import count_shares, part_of_cell
from profiles.companies.sharing import Companies, told
from profiles.types import Company, Join, Joined, Profile, Record, Share, is_cell, is_company, is_joined
from streams.steps.work import Work

__all__ = ["join", "lay_bare", "note_joiner", "share_joined"]


_NOTHING = b"-"
"""What the other company was told last, by a word that does not count: not as if it was never told anything, since a
document that was restored may not know of the share that was sent with its next commit."""


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
        # The other one hears since when, also of a word that does not count: if it was erased, it answers for then.
        held.joined = msgspec.structs.replace(before, at=command.time, by=command.by, reason=command.reason, sent=b"")
    work.touch(company)
    return True


def note_joiner(company: Profile, share: Share) -> None:
    """Note that another company says it counts for this one, since when, and whether it does; or says so no more."""
    held = company.company
    if held is None or is_cell(share.member) or not is_company(share.member):
        return
    said = {**held.joiners, share.member: share.since} if share.since > 0 else _but(held.joiners, share.member)
    doubted = {**held.doubted, share.member: -share.since} if share.since < 0 else _but(held.doubted, share.member)
    held.joiners, held.doubted = dict(sorted(said.items())), dict(sorted(doubted.items()))


def _but(words: Mapping[str, float], member: str) -> dict[str, float]:
    return {company: at for company, at in words.items() if company != member}


def lay_bare(company: Profile) -> None:
    """Let nothing be known of a company but who said that it is another one, or another one it."""
    held = company.company
    assert held is not None
    said = {name: getattr(held, name) for name in ("erased", "joined", "joiners", "doubted")}
    word = Company(held.kind, held.key, **said)
    bare = Profile(company.id, company=word, terms=company.terms)  # which the search index has still
    for name in Profile.__struct_fields__:
        setattr(company, name, getattr(bare, name))


def _leave(work: Work, cause: Record, company: Profile) -> None:
    """Let a company count for no other one any more."""
    joined = company.company.joined if company.company is not None else None
    if joined is not None and joined.target:
        origin = work.origin(cause)
        work.send(Share(joined.target, joined.into, company.id, company.updated, origin=origin))


def share_joined(work: Work, cause: Record, company: Profile, companies: Companies) -> None:
    """Tell the other company what this one comes to, where that is not what it was told last."""
    held = company.company
    if held is None or held.joined is None or not held.joined.target:
        return
    joined, origin, packed, digest, since = held.joined, work.origin(cause), b"", _NOTHING, -held.joined.at
    if is_joined(company):
        since, digest = joined.at, struct.pack(">d", joined.at)
        if passed := _passed_on(company, joined.target, companies):
            packed, of_members = told(msgspec.structs.replace(part_of_cell(passed), members=[]))
            digest += of_members
    if digest != joined.sent:
        joined.sent = digest
        share = Share(joined.target, joined.into, company.id, company.updated, packed, erased=held.erased)
        work.send(msgspec.structs.replace(share, origin=origin, since=since))


def _passed_on(company: Profile, target: str, companies: Companies) -> Profile | None:
    """The company as all make it but the other one, which may not have heard yet that its own word does not count;
    None without any."""
    held = company.company
    assert held is not None
    shares = {id_: state for id_, state in held.shares.items() if id_ != target}
    if not shares or len(shares) == len(held.shares):
        return company if shares else None
    passed = Profile(company.id, updated=company.updated, company=Company(held.kind, held.key, shares))
    count_shares(passed, companies.limits, companies.champions)
    return passed
