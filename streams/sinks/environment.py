"""What the environment says of sinks: addresses, secrets, and networks that may be called though they are private."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_network
from typing import Any, NamedTuple

from pydantic import SecretStr

from plan import Plan
from plan.sinks.sink import Sink, variable
from profiles.errors import Misconfigured, WrongUse
from streams.sinks.http import Network
from streams.sinks.kinds.kind import Kind, Phrase, as_it_is
from streams.sinks.kinds.table import TABLE

__all__ = ["Outlet", "outlet", "outlets"]


class Outlet(NamedTuple):
    """A sink that can be spoken to."""

    name: str
    spec: Sink
    kind: Kind[Any]
    allowed: tuple[Network, ...]
    phrase: Phrase = as_it_is


def outlets(plan: Plan, environ: Mapping[str, str], phrase: Phrase = as_it_is) -> dict[str, Outlet]:
    """The sinks of a plan, by name.

    Args:
        plan: names them.
        environ: has their addresses and secrets.
        phrase: says what models say in a sink's language.

    Raises:
        WrongUse: a variable is missing or cannot be used; all of them are named.
    """
    found: dict[str, Outlet] = {}
    problems: list[str] = []
    for name in plan.file.sinks:
        try:
            found[name] = outlet(plan, name, environ)._replace(phrase=phrase)
        except WrongUse as error:
            problems.append(str(error))
    if problems:
        raise WrongUse("; ".join(problems))
    return found


def outlet(plan: Plan, name: str, environ: Mapping[str, str]) -> Outlet:
    """One sink of a plan.

    Raises:
        WrongUse: a variable is missing or cannot be used.
        Misconfigured: there is none of this name, or it cannot be spoken to here.
    """
    spec = plan.file.sinks.get(name)
    if spec is None:
        known = ", ".join(plan.file.sinks) or "none"
        raise Misconfigured(f"the plan has no sink '{name}'; there are: {known}")
    made = TABLE.get(spec.type)
    if made is None:
        raise Misconfigured(f"sinks.{name}: this version cannot speak to sinks of type {spec.type}")
    secrets: dict[str, SecretStr] = {}
    for what, needed in made.variables.items():
        value = environ.get(variable(name, what), "").strip()
        if value:
            secrets[what] = SecretStr(value)
        elif needed:
            raise WrongUse(f"sinks.{name} needs {variable(name, what)}, which is not set")
    return Outlet(name, spec, made(name, spec, secrets, plan.name), _networks(name, environ))


def _networks(name: str, environ: Mapping[str, str]) -> tuple[Network, ...]:
    told = environ.get(variable(name, "ALLOW_PRIVATE"), "").replace(",", " ").split()
    try:
        return tuple(ip_network(network) for network in told)
    except ValueError as error:
        raise WrongUse(f"{variable(name, 'ALLOW_PRIVATE')}: {error}; write networks such as 10.0.0.0/8") from None
