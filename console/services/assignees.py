"""To whom a case can be given: people with an account, and the teams that the plan names."""

from __future__ import annotations

from typing import Literal, NamedTuple

from console.services.ports import ApiDeps
from models.conditions.vocabulary import suggest
from profiles.errors import NotFound

__all__ = ["Assignee", "assignees", "find_assignee"]

_SHOWN = 20  # names in a message


class Assignee(NamedTuple):
    """Somebody who can be given a case."""

    name: str
    kind: Literal["person", "team"]


async def assignees(deps: ApiDeps) -> list[Assignee]:
    """People who may sign in, then teams, each by name. A name that both have is the person's."""
    accounts = await deps.access.accounts()
    people = sorted((name for name, account in accounts.items() if not account.disabled), key=str.casefold)
    teams = [team for team in deps.plan.teams if team not in accounts]
    return [*(Assignee(name, "person") for name in people), *(Assignee(name, "team") for name in teams)]


async def find_assignee(deps: ApiDeps, name: str, who: str = "") -> Assignee:
    """The person or team of a name, in whatever case it is written.

    Args:
        deps: of the API.
        name: as somebody wrote it.
        who: asks; they can be given a case wherever their account is.

    Raises:
        NotFound: nobody is called so; the message says who there is.
    """
    known = await assignees(deps)
    for same in (lambda one: one.name == name, lambda one: one.name.casefold() == name.casefold()):
        if (found := next(filter(same, known), None)) is not None:
            return found
    if name == who:
        return Assignee(who, "person")
    raise NotFound(f"nobody is called {name!r}{_who_there_is(name, [one.name for one in known])}")


def _who_there_is(name: str, names: list[str]) -> str:
    if not names:
        return "; nobody has an account yet, and the plan names no team"
    near = suggest(name, names)
    meant = f"{near} There" if near.endswith("?") else "; there"
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{meant} are {', '.join(names[:_SHOWN])}{more}"
