"""A company that was erased: everybody lets go of it, also who hears of it only now.

Its document becomes a tombstone, as a customer's does, which answers whoever still tells it something: members forget
it, companies that counted for it are themselves again. So an event that was on its way when the company was erased
leaves nothing, whichever partition heard first. A member keeps from when to when there was a company, without which:
what they did then is of no other one (`profiles.companies.sharing`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from plan import Plan
from profiles.companies.counting import parts_of, read_part
from profiles.companies.sharing import Companies
from profiles.types import Erase, Event, Forget, Joined, Profile, Record, Share, is_cell, is_company
from streams.steps.work import Work

__all__ = ["answer", "forget", "forget_by_all", "unnaming"]


def forget_by_all(work: Work, command: Erase, company: Profile, companies: Companies) -> None:
    """Let everybody whom a company knows forget it, and the company that it counts for not count it."""
    held = company.company
    if held is None:
        return
    for member, part in sorted(parts_of(company).items()):
        if not is_company(member):
            _tell(work, command, member, held.key, part.since)
    for cell in companies.cells(held.key) if held.divided else ():
        _tell(work, command, cell, held.key, command.time)
    for joiner, at in sorted((held.joiners | held.doubted).items()):
        _tell(work, command, joiner, held.key, at)
    if held.joined is not None and held.joined.target:
        target, into, origin = held.joined.target, held.joined.into, work.origin(command)
        work.send(Share(target, into, company.id, company.updated, erased=True, origin=origin))


def answer(work: Work, share: Share) -> None:
    """Let who tells an erased company something forget it."""
    if is_cell(share.member):
        return  # it goes with its company
    if share.since:
        _tell(work, share, share.member, share.key, abs(share.since))
    elif share.state:
        _tell(work, share, share.member, share.key, read_part(share.state).since)


def forget(work: Work, command: Forget, companies: Companies) -> None:
    """Forget a company; of a cell of it nothing stays but what its members are told."""
    profile = work.profiles.get(command.profile)
    if profile is None:
        return
    held = profile.company
    if held is None:
        if companies.forget(profile, command.key, command.time):
            work.renamed[profile.id] = profile
            work.touch(profile)
    elif is_cell(profile.id):
        for member, part in sorted(parts_of(profile).items()):
            _tell(work, command, member, command.key, part.since)
        work.remove(profile)
    elif held.joined is not None and held.joined.into == command.key and held.joined.at <= command.time:
        held.joined = Joined("", "", held.joined.at)
        work.touch(profile)


def unnaming(plan: Plan, drops: Callable[[str, float], bool]) -> Callable[[Event], Event]:
    """A function that takes out of events what they say of a company that was erased.

    Args:
        plan: says where events name companies.
        drops: whether what happened at a time to somebody, by id, is of one who was erased.
    """
    if not plan.group:
        return lambda event: event

    id_of = lru_cache(maxsize=20_000)(plan.company)

    def take_out(event: Event) -> Event:
        group = event.group
        if group is None or not group.company or not drops(id_of(group.company), event.time):
            return event
        return plan.unname(event)

    return take_out


def _tell(work: Work, cause: Record, who: str, key: str, until: float) -> None:
    work.send(Forget(who, key, until, origin=work.origin(cause)))
