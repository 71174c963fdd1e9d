"""Where analyses are run for pages and API: one engine a state of the archive, one heavy query at a time, each once."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar, cast

from plan import Plan
from profiles.errors import RapportError

if TYPE_CHECKING:
    from analysis.declaration import Analysis
    from analysis.engines.engine import Engine
    from analysis.parameters import Parameters
    from analysis.result import Behind, Result

__all__ = ["AnalysisDesk", "NoArchive", "TookTooLong"]

Answer = TypeVar("Answer")

_KEPT = 64
"""Results that are kept, the latest asked for."""

_LOOK_EVERY = 15.0
"""Seconds between two looks whether the archive has changed."""

_STATEMENT = 60.0
"""Seconds that one question may take."""


class NoArchive(RapportError):
    """There is no archive to analyse."""


class TookTooLong(RapportError):
    """A question took longer than one may."""


class AnalysisDesk:
    """Analyses of the archive of one plan.

    What was asked before of the same state of the archive is answered from memory; what is being computed is waited
    for, not computed twice. Nothing is imported or opened before the first question.

    Args:
        archive: folder or fsspec URL; "" for none.
        engine: URL of where it is computed; "" for DuckDB in this process.
        plan: whose zone, currency, roles and consent hold.
        limit: seconds that a question may take.
        opened: makes the engine; for tests.
    """

    def __init__(
        self,
        archive: str,
        plan: Plan,
        *,
        engine: str = "",
        limit: float = _STATEMENT,
        opened: Callable[[], Engine] | None = None,
    ) -> None:
        self.plan = plan
        self._archive = archive
        self._url = engine
        self._number = 0  # of the state of the archive that the engine is of
        self._limit = limit
        self._opened = opened
        self._engine: Engine | None = None
        self._looked = 0.0
        self._thread = ThreadPoolExecutor(1, "analyses")
        self._known: OrderedDict[tuple[Any, ...], Any] = OrderedDict()
        self._under_way: dict[tuple[Any, ...], asyncio.Future[Any]] = {}

    async def run(self, analysis: Analysis[Any], given: Parameters, figures: Sequence[str] | None = None) -> Result:
        """The table of an analysis.

        Args:
            analysis: whose table it is.
            given: what was asked.
            figures: names of columns that are compared with another period; None: all.

        Raises:
            NoArchive: there is none.
            TookTooLong: it was given up.
            WrongUse: the analysis does not know what was asked.
        """
        from analysis.running import run  # noqa: PLC0415  (statistics take a second and 90 MB to import)

        key = (analysis.name, _asked(given), None if figures is None else tuple(sorted(figures)))
        return await self._once(key, lambda engine: run(analysis, engine, given, figures))

    async def behind(self, analysis: Analysis[Any], given: Parameters, cell: Mapping[str, Any], measure: str) -> Behind:
        """The customers behind one number.

        Raises:
            NoArchive, TookTooLong, WrongUse: as above.
        """
        from analysis.running import behind  # noqa: PLC0415  (as above)

        key = (analysis.name, _asked(given), measure, *sorted((name, str(of)) for name, of in cell.items()))
        return await self._once(key, lambda engine: behind(analysis, engine, given, cell, measure))

    def close(self) -> None:
        """Let go of the archive."""
        if self._engine is not None:
            _of(self._engine, "interrupt")()
        self._thread.shutdown(wait=True, cancel_futures=True)

    async def _once(self, key: tuple[Any, ...], ask: Callable[[Engine], Answer]) -> Answer:
        if not self._archive and self._opened is None:
            raise NoArchive(
                "no archive is kept, so there is no history to analyse: set RAPPORT_ARCHIVE to a folder or a URL, "
                "and run `rapport archive` beside the worker (`rapport up` does so by itself)"
            )
        recently = time.monotonic() - self._looked < _LOOK_EVERY or bool(self._under_way)
        if recently and (found := self._remembered(key)) is not None:
            return cast(Answer, found)
        running = self._under_way.get(key)
        if running is None:
            running = asyncio.get_running_loop().run_in_executor(self._thread, self._answer, key, ask)
            self._under_way[key] = running
            running.add_done_callback(lambda _: self._under_way.pop(key, None))
        return await asyncio.shield(running)  # whoever else waits for it, or asks again, still gets it

    def _remembered(self, key: tuple[Any, ...]) -> Any:
        return self._known.get((self._number, *key)) if self._engine is not None else None

    def _answer(self, key: tuple[Any, ...], ask: Callable[[Engine], Answer]) -> Answer:
        """In the thread of the desk."""
        from duckdb import IOException  # noqa: PLC0415  (as above)

        engine = self._newest()
        if (found := self._remembered(key)) is not None:
            return cast(Answer, found)
        try:
            with self._limited(engine):
                made = ask(engine)
        except IOException:  # the archive's files were made one meanwhile
            engine = self._newest(anew=True)
            with self._limited(engine):
                made = ask(engine)
        self._known[self._number, *key] = made
        while len(self._known) > _KEPT:
            self._known.popitem(last=False)
        return made

    def _newest(self, *, anew: bool = False) -> Engine:
        """The engine over the archive as it is now, or was a few seconds ago."""
        if self._engine is not None and not anew:
            if time.monotonic() - self._looked < _LOOK_EVERY or self._opened is not None or not self._changed():
                self._looked = time.monotonic()
                return self._engine
            _of(self._engine, "close")()
            self._engine = None
        self._engine = self._opened() if self._opened is not None else self._open()
        self._looked = time.monotonic()
        return self._engine

    def _open(self) -> Engine:
        from analysis.archive.folder import Folder  # noqa: PLC0415  (as above)
        from analysis.archive.manifests import load  # noqa: PLC0415  (as above)
        from analysis.engines.opening import open_engine  # noqa: PLC0415  (as above)

        self._number = load(Folder(self._archive)).number
        return open_engine(self._url, self._archive, self.plan)

    def _changed(self) -> bool:
        from analysis.archive.folder import Folder  # noqa: PLC0415  (as above)
        from analysis.archive.manifests import newer  # noqa: PLC0415  (as above)

        return bool(newer(Folder(self._archive), self._number))

    @contextmanager
    def _limited(self, engine: Engine) -> Iterator[None]:
        """Seconds that the block may take, as the engine is told after them."""
        from duckdb import InterruptException  # noqa: PLC0415  (as above)

        watch = threading.Timer(self._limit, _of(engine, "interrupt"))
        watch.daemon = True
        watch.start()
        try:
            yield
        except InterruptException:
            raise TookTooLong(
                f"this took over {self._limit:g} s and was given up; ask for a shorter time (`since`), longer periods "
                "(`interval`) or no breakdown (`by`)"
            ) from None
        finally:
            watch.cancel()


def _asked(given: Parameters) -> str:
    """What was asked, and which of it was said: a plan's defaults stand where nothing was."""
    return f"{given.model_dump_json()} {sorted(given.model_fields_set)}"


def _of(engine: Engine, action: str) -> Callable[[], None]:
    """What an engine can do that not all can: servers end what is long by rules of their own."""
    found: Callable[[], None] = getattr(engine, action, lambda: None)
    return found
