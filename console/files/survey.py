"""The first reading of files of history: is every row an event, are they in order, and what does the plan say?"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from console.files.bad_rows import BadRows
from console.files.ids import Ids
from console.files.rows import FileSpec, read_items
from console.files.sorting import Order
from plan import Plan
from profiles.errors import WrongUse
from streams.history.forecast import Preview, Previewer, Told

__all__ = ["Survey", "survey"]

_BATCH = 1000


@dataclass(slots=True)
class Survey:
    """What files hold."""

    preview: Preview
    bad: list[BadRows] = field(default_factory=list)  # of each file
    ordered: list[bool] = field(default_factory=list)  # whether each file is in order of time

    def report(self) -> None:
        """Say what was set aside.

        Raises:
            Misconfigured: there are bad rows that were not, or there are no events.
            WrongUse: there are no events.
        """
        for bad in self.bad:
            bad.report()
        if not self.preview.count:
            raise WrongUse(f"{', '.join(str(bad.file) for bad in self.bad)}: no events")


def survey(
    files: Sequence[tuple[Path, FileSpec]],
    previewer: Previewer,
    plan: Plan,
    *,
    aside: bool = False,
    tell: Callable[[int], object] = lambda _: None,
) -> Survey:
    """Read all files once, and send nothing.

    Args:
        files: each with what it holds.
        previewer: is asked about every event.
        plan: that it asks.
        aside: write bad rows to FILE.bad.
        tell: hears how many rows were read since it was last told.

    Raises:
        WrongUse: a file cannot be read, or events are of a source that the plan does not have.
        Misconfigured: bad rows cannot be set aside.
    """
    return asyncio.run(_survey(files, previewer, plan, aside, tell))


async def _survey(
    files: Sequence[tuple[Path, FileSpec]], previewer: Previewer, plan: Plan, aside: bool, tell: Callable[[int], object]
) -> Survey:
    found = Survey(previewer.preview)
    with contextlib.ExitStack() as open_files:
        for path, spec in files:
            bad = open_files.enter_context(BadRows(path, spec, aside=aside))
            order = Order()
            waiting: dict[str, list[Told]] = {}
            rows = 0
            for item in read_items(path, spec, Ids(spec.key) if spec.key else None, earliest=plan.earliest):
                rows += 1
                if item.problem:
                    bad.note(item)
                else:
                    order.note(item.time)
                    _known(plan, item.source, path, item.line)
                    told = Told(f"{path.name}, line {item.line}", item.time, item.event)
                    waiting.setdefault(item.source, []).append(told)
                if rows == _BATCH:
                    await _look(previewer, waiting)
                    tell(rows)
                    rows = 0
            await _look(previewer, waiting)
            tell(rows)
            found.bad.append(bad)
            found.ordered.append(order.kept)
    return found


async def _look(previewer: Previewer, waiting: dict[str, list[Told]]) -> None:
    for source, events in waiting.items():
        await previewer.look(source, events)
    waiting.clear()


def _known(plan: Plan, name: str, path: Path, line: int) -> None:
    source = plan.sources.get(name)
    if source is None or not source.enabled:
        why = "the plan has no source" if source is None else "the plan disables the source"
        raise WrongUse(f"{path}, line {line}: {why} {name!r}; it has {', '.join(plan.sources)}. Nothing was sent.")
