"""An event at which we fail in a way that nobody foresaw: it is rejected alone, and the fault is logged once."""

from __future__ import annotations

import logging
from functools import lru_cache

from profiles.errors import RapportError, Unacceptable

__all__ = ["UNREADABLE", "unreadable"]

log = logging.getLogger(__name__)

UNREADABLE = "unreadable"
"""The reason of an event at which a step of ours failed: our fault, which stops nobody else's events."""


def unreadable(step: str, error: Exception) -> Unacceptable:
    """Why an event is rejected at which a step failed in a way that nobody foresaw.

    One such event would otherwise stop the worker again and again. What is no fault of the event's is raised instead:
    memory that ran out, and what we raise on purpose.

    Args:
        step: that failed.
        error: what it raised; what it says is told to nobody, as it may hold values of the event.
    """
    if isinstance(error, Unacceptable):
        return error
    if isinstance(error, MemoryError | RapportError):
        raise error
    where, kind = error.__traceback__, type(error).__name__
    while where is not None and where.tb_next is not None:
        where = where.tb_next
    place = f"{where.tb_frame.f_code.co_filename}:{where.tb_lineno}" if where is not None else "an unknown place"
    _tell(step, kind, place)
    return Unacceptable(UNREADABLE, f"the step {step} failed with {kind}: a fault of Rapport's; replay it once mended")


@lru_cache(maxsize=1000)  # once each: an event at which we fail is hardly the only one
def _tell(step: str, kind: str, place: str) -> None:
    log.error("The step %s failed at an event with %s in %s; such events are rejected.", step, kind, place)
