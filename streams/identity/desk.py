"""What people do to who is who: explain and take back links, erase, hand over what is known."""

from __future__ import annotations

from dataclasses import dataclass

from profiles.stores.links import LinkStore
from streams.identity.erasure import Eraser
from streams.identity.export import Exporter
from streams.identity.requests import SplitRequests

__all__ = ["Desk"]


@dataclass(frozen=True, slots=True)
class Desk:
    """The services behind the support API's routes on identities and privacy."""

    links: LinkStore
    splits: SplitRequests
    eraser: Eraser
    exporter: Exporter
