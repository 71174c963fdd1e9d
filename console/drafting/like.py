"""A shipped plan as the beginning of one of your own: another name, currency and region, and a fresh namespace.

A few lines of the text are replaced and the rest stays as it is, comments included.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from console.drafting.scalar import scalar
from plan import Plan
from profiles.errors import WrongUse
from profiles.money import CURRENCIES

__all__ = ["Particulars", "currency_of", "name_of", "particulars_of", "plan_like", "region_of"]


@dataclass(frozen=True, slots=True)
class Particulars:
    """What differs from one business to the next."""

    name: str
    currency: str
    region: str


def particulars_of(plan: Plan) -> Particulars:
    """Those of a plan that says where its telephone numbers are from."""
    return Particulars(plan.name, plan.currency, str(plan.file.region))


def plan_like(text: str, particulars: Particulars, namespace: uuid.UUID) -> str:
    """The text of a plan with other particulars, of which nobody has a profile yet.

    Args:
        text: of a shipped plan.
        particulars: checked ones.
        namespace: that all profile ids will derive from.
    """
    for key, value in (
        ("name", particulars.name),
        ("version", "1"),
        ("namespace", str(namespace)),
        ("currency", particulars.currency),
        ("region", particulars.region),
    ):
        written = scalar(value) if key in ("name", "region") else value  # Norway's region is NO
        before, mark, after = _line(text, key).partition("  #")
        text = text.replace(f"\n{before}{mark}{after}\n", f"\n{key}: {written}{mark}{after}\n", 1)
    return text


def _line(text: str, key: str) -> str:
    return next(line for line in text.split("\n") if line.startswith(f"{key}: "))


def name_of(text: str) -> str:
    """The name of a plan, as it was given.

    Raises:
        WrongUse: it is empty, or over a line.
    """
    name = text.strip()
    if not name or not name.isprintable() or len(name) > 200:
        raise WrongUse("a plan's name is a line of 1 to 200 characters, such as 'Acme shop'")
    return name


def currency_of(text: str) -> str:
    """The code of a currency, in whatever case.

    Raises:
        WrongUse: there is none of this code.
    """
    code = text.strip().upper()
    if code not in CURRENCIES:
        raise WrongUse(f"{text!r} is not an ISO-4217 currency code such as EUR")
    return code


def region_of(text: str) -> str:
    """The code of a region that has telephone numbers, in whatever case.

    Raises:
        WrongUse: there is none of this code.
    """
    from profiles.identity.phone import REGIONS  # noqa: PLC0415  (its tables take a tenth of a second)

    code = text.strip().upper()
    if code not in REGIONS:
        raise WrongUse(f"{text!r} is not an ISO-3166 code of a region that has telephone numbers, such as NL")
    return code
