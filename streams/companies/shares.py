"""Shares on their way: a customer's document tells each company what its events come to there, and takes it back.

A share travels as any record that is sent on: in the outbox of the commit that made it, through `profile.events`, to
the partition of its company. It holds all that the customer is to that company, so the latest is enough, and a batch of
events of one customer sends one. That repeats are known, whoever is killed and however batches are cut when they are
read again, each has its origin by the last record of its customer in the batch, and its number by the place of its
company among all of the customer's, whether or not the others are sent.
"""

from __future__ import annotations

from profiles.companies.sharing import Companies, told
from profiles.types import Profile, Record, Share
from streams.steps.work import Work

__all__ = ["share_out", "take_back"]


def share_out(work: Work, cause: Record, profile: Profile, companies: Companies) -> None:
    """Tell companies what a customer is to them, where that is not what they were told last."""
    held = profile.affiliation
    if held is None or profile.redirect:
        return
    for key, part in companies.parts(profile):
        origin, member = work.origin(cause), held.members[key]
        packed, digest = told(part)
        if digest != member.sent:
            member.sent = digest
            work.touch(profile)
            work.send(Share(companies.id_of(key), key, profile.id, profile.updated, packed, origin=origin))


def take_back(work: Work, cause: Record, profile: Profile, companies: Companies, *, erased: bool = False) -> None:
    """Let no company count a customer any more who is merged away, taken apart or erased.

    Also one that was told nothing, as far as is known here: a document that was restored may not know of the share that
    was sent with its next commit.
    """
    for key in sorted(profile.affiliation.members) if profile.affiliation is not None else ():
        company, origin = companies.id_of(key), work.origin(cause)
        work.send(Share(company, key, profile.id, profile.updated, erased=erased, origin=origin))
