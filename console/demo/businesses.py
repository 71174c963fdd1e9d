"""The simulated businesses that `rapport demo` and `rapport up --demo` know."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from console.demo.b2b.firms import EXAMPLE_KEY
from console.demo.b2b.simulate import simulate_companies
from console.demo.people import EXAMPLE
from console.demo.simulate import simulate

__all__ = ["BUSINESSES", "Business", "BusinessName"]

BusinessName = Literal["shop", "b2b"]


@dataclass(frozen=True)
class Business:
    """One of them: its customers are numbered from 1, and the same seed gives the same."""

    customers: int  # unless said otherwise: people of the shop, companies of the other
    sources: tuple[str, ...]
    simulate: Callable[[int, int, float, float], Iterator[dict[str, Any]]]  # seed, customers, start, end
    arrive: str  # who comes, and who of them is looked at first
    look: tuple[str, ...]  # commands that show the one who is


BUSINESSES: dict[BusinessName, Business] = {
    "shop": Business(
        300, ("web", "app", "support", "purchase"), simulate,
        "Simulated customers arrive; weeks pass in minutes. One who slowly leaves:",
        (f"rapport profile user_id:{EXAMPLE}",),
    ),
    "b2b": Business(
        40, ("product", "server", "billing", "helpdesk", "crm"), simulate_companies,
        "Simulated companies arrive; weeks pass in minutes. All, one that slowly leaves, and one of its people:",
        ("rapport companies", f"rapport company {EXAMPLE_KEY}", f"rapport profile user_id:{EXAMPLE_KEY}.2"),
    ),
}  # fmt: skip
"""By the plan that comes with Rapport for a business like it."""
