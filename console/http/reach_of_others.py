"""Whether others reach what we serve, and that they cannot guess its keys then."""

from __future__ import annotations

import ipaddress
import logging

from plan import Plan
from plan.load import write_key_variable
from profiles.errors import WrongUse
from profiles.identity.secrets import LEAST

__all__ = ["advise_own_keys", "is_loopback", "require_own_keys"]

log = logging.getLogger(__name__)

_TRYING = "dev-"
"""How the keys of the plan that comes with Rapport begin, which everybody knows."""


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def require_own_keys(host: str, plan: Plan, *, trial: bool = False) -> None:
    """See that no write key can be guessed where others reach the collector.

    Where only this machine does a proxy may let them in all the same, which we cannot see: then it is a warning.

    Args:
        host: address that the collector listens on.
        plan: with the keys.
        trial: whether this is `rapport up`, which the keys of the plan that comes with Rapport are for.

    Raises:
        WrongUse: one can, or is in the plan that comes with Rapport.
    """
    advice = advise_own_keys(plan)
    if advice and not is_loopback(host):
        raise WrongUse(f"others reach the collector at {host}, and {advice}, or listen on 127.0.0.1")
    if advice and not trial:
        log.warning("No proxy may let others reach the collector at %s: %s", host, advice)


def advise_own_keys(plan: Plan) -> str:
    """Which write keys can be guessed, and what to set; "" if none can."""
    keys = {source.name: source.write_key.get_secret_value() for source in plan.sources.values() if source.enabled}
    weak = [name for name, key in keys.items() if len(key) < LEAST or key.startswith(_TRYING)]
    if not weak:
        return ""
    return (
        f"the write keys of {', '.join(weak)} can be guessed: they are those of the plan that comes with Rapport, or "
        f"have fewer than {LEAST} characters. Set {', '.join(map(write_key_variable, weak))}, each to the output of "
        "`openssl rand -hex 16`"
    )
