"""Whether the store has all customers: by one that was lost, or is being rebuilt, everybody would seem to be gone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from plan import Plan
from profiles.errors import Misconfigured
from profiles.stores import Stores
from profiles.stores.keys import SETUP
from profiles.stores.setup import check_setup
from profiles.stores.trouble import answering
from streams.settings import Settings

__all__ = ["Whole", "check_whole", "is_taken_for_whole"]

Whole = Callable[[], Awaitable[None]]
"""Answers if the store is whole; raises Misconfigured if not."""


async def check_whole(stores: Stores, plan: Plan, settings: Settings) -> None:
    """See that the store is whole and ours.

    Raises:
        Misconfigured: it is not, or does not answer.
    """
    client = stores.client
    if client is None:
        return
    with answering():
        there = await client.exists(SETUP)
    if not there:
        raise Misconfigured("this Redis holds no profiles yet; start `rapport work`")
    await check_setup(
        client, partitions=settings.partitions, namespace=plan.namespace, pii_key=plan.pii_key, segments=()
    )


async def is_taken_for_whole() -> None:
    """Of a store in memory."""
