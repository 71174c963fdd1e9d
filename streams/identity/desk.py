"""What people do to who is who: explain and take back links, erase, hand over what is known."""

from __future__ import annotations

from dataclasses import dataclass

from plan import Plan
from profiles.stores import Stores
from profiles.units import LinkStore
from streams.commands import CommandSender
from streams.identity.erasure import Eraser
from streams.identity.export import Exporter
from streams.identity.history import History
from streams.identity.requests import SplitRequests
from streams.kafka.log import KafkaLog
from streams.settings import Settings

__all__ = ["Desk", "open_desk"]


@dataclass(frozen=True, slots=True)
class Desk:
    """The services behind the support API's routes on identities and privacy."""

    links: LinkStore
    splits: SplitRequests
    eraser: Eraser
    exporter: Exporter


def open_desk(settings: Settings, plan: Plan, stores: Stores, commands: CommandSender) -> Desk:
    """The desk over these stores; nothing is asked of them yet."""
    return Desk(
        stores.links,
        SplitRequests(stores.links, commands),
        Eraser(stores.profiles, stores.links, commands, settings, plan),
        Exporter(History(KafkaLog(settings), settings), plan, stores.links),
    )
