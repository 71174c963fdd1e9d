"""What a sink knows of segments against the store, for who asks at a terminal: by its owner, or only looked at."""

from __future__ import annotations

import asyncio
from collections import Counter
from functools import partial
from typing import Any

from plan import Plan
from profiles.stores import AWAY, explain, open_stores
from streams.clock import WALL
from streams.kafka.client import Unavailable
from streams.kafka.log import KafkaLog
from streams.settings import Settings
from streams.sinks.deciding.ledger import ENTERED, EXITED
from streams.sinks.desk import DeliveryDesk, read_ledger
from streams.sinks.kinds.table import TABLE
from streams.sinks.reconciling import Comparison, tells_everybody
from streams.sinks.whole import check_whole

__all__ = ["compared", "would_tell"]

_LOOKS = 0.3  # seconds between two looks at what became of a request


async def compared(desk: DeliveryDesk, sink: str, by: str, seconds: float, *, everybody: bool) -> dict[str, Any]:
    """Ask the owner of a sink to compare it, and wait for the answer.

    Raises:
        Unavailable: there is none within so many seconds; it is done once somebody owns the sink.
    """
    request = await desk.reconcile(sink, by, everybody=everybody)
    until = asyncio.get_running_loop().time() + seconds
    while (found := await desk.reconciled(sink, request)) is None:
        if asyncio.get_running_loop().time() > until:
            raise Unavailable(
                f"{sink} was not compared within {seconds:.0f} s; it is once `rapport deliver` runs and the store is "
                "whole: its log and `rapport deliver list` say more"
            )
        await asyncio.sleep(_LOOKS)
    return {"members": found.members, "entered": found.entered, "exited": found.exited, "unnamed": found.unnamed}


async def would_tell(settings: Settings, plan: Plan, sink: str, *, everybody: bool) -> dict[str, Any]:
    """What a comparison would find now; nobody is told.

    Raises:
        Unavailable: Kafka or the store does not answer.
        Misconfigured: the store is not whole.
    """
    spec = plan.file.sinks[sink]
    ledger = await read_ledger(KafkaLog(settings), settings, sink)
    stores = open_stores(settings.redis.get_secret_value(), plan.namespace, settings.partitions)
    try:
        whole = partial(check_whole, stores, plan, settings)
        await whole()
        comparison = Comparison(
            ledger, spec, TABLE[spec.type], plan, stores.reader, whole, everybody=everybody or tells_everybody(spec)
        )
        members = unnamed = 0
        moves: Counter[str] = Counter()
        async for page in comparison.pages(WALL.now()):
            members += page.members
            unnamed += page.unnamed
            moves.update(entry.type for entry in page.moves)
    except AWAY as error:
        raise Unavailable(explain(error)) from None
    finally:
        await stores.close()
    return {"members": members, "entered": moves[ENTERED], "exited": moves[EXITED], "unnamed": unnamed}
