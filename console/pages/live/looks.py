"""Who looks at a customer or a company by a stream: written down as by a page, once a look.

A page is written down when it is asked for, and opens its stream at once; a stream that breaks is opened anew. Neither
is a look of its own. One that nobody's page came before is, and so is one that somebody opens again later.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final

from fastapi import Request

from console.access.scopes import Viewer
from profiles.types import Profile

__all__ = ["ONE_LOOK", "Looks"]

ONE_LOOK: Final = 600.0
"""Seconds since somebody's look at a customer was written down within which a stream belongs to it."""

_KEPT = 20_000  # looks; of who is forgotten one more is written down

Note = Callable[..., None]


class Looks:
    """Writes down who looks at whom. Each process of a console knows those that were opened there.

    Args:
        note: writes down (`Lets.note`).
        action: as the audit trail calls it.
        clock: seconds.
    """

    def __init__(self, note: Note, action: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._note = note
        self._action = action
        self._clock = clock
        self._noted: OrderedDict[tuple[str, str, str], float] = OrderedDict()

    def page(self, request: Request, viewer: Viewer, profile: str, **more: Any) -> None:
        """Write down a page about a customer."""
        self._note(request, viewer, self._action, profile, **more)
        self._keep((viewer.name, viewer.via, profile))

    def stream(self, request: Request, viewer: Viewer, profile: str, found: Profile | None) -> None:
        """Write down a stream about a customer, unless it belongs to a look that is written down.

        Args:
            request: for the stream.
            viewer: who looks.
            profile: whom the stream is about.
            found: who is there under that id; of who has gone nothing is shown.
        """
        if found is None or found.id != profile:
            return
        known = self._noted.get((viewer.name, viewer.via, profile))
        if known is None or self._clock() - known >= ONE_LOOK:
            self.page(request, viewer, profile)

    def _keep(self, look: tuple[str, str, str]) -> None:
        self._noted[look] = self._clock()
        self._noted.move_to_end(look)
        while len(self._noted) > _KEPT:
            self._noted.popitem(last=False)
