"""Whether others reach what we serve, and that they cannot guess its keys then."""

from __future__ import annotations

import ipaddress

from plan import Plan
from plan.load import write_key_variable
from profiles.errors import WrongUse
from profiles.identity.secrets import LEAST

__all__ = ["is_loopback", "require_own_keys"]

_TRYING = "dev-"
"""How the keys of the plan that comes with Rapport begin, which everybody knows."""


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def require_own_keys(host: str, plan: Plan) -> None:
    """See that no write key can be guessed where others reach the collector.

    Raises:
        WrongUse: one can, or is in the plan that comes with Rapport.
    """
    if is_loopback(host):
        return
    keys = {source.name: source.write_key.get_secret_value() for source in plan.sources.values() if source.enabled}
    weak = [name for name, key in keys.items() if len(key) < LEAST or key.startswith(_TRYING)]
    if weak:
        raise WrongUse(
            f"others reach the collector at {host}, and the write keys of {', '.join(weak)} can be guessed: they are "
            f"those of the plan that comes with Rapport, or have fewer than {LEAST} characters. Set "
            f"{', '.join(map(write_key_variable, weak))}, each to the output of `openssl rand -hex 16`, or listen on "
            "127.0.0.1"
        )
