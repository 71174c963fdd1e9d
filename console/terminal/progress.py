"""The progress bar of everything that takes long."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

from console.terminal.output import err

__all__ = ["Bar", "progress"]

Bar = Callable[[float, float | None], None]
"""Moves a bar: how much is done, and of how much if that is known."""


class _Count(ProgressColumn):
    """How many are done, of how many, and how many a second."""

    def render(self, task: Task) -> Text:
        of = f"/{task.total:,.0f}" if task.total is not None else ""
        rate = f" ({task.speed:,.0f}/s)" if task.speed else ""
        return Text("" if task.total == 1 else f"{task.completed:,.0f}{of}{rate}")


@contextmanager
def progress(*, quiet: bool = False) -> Iterator[Callable[[str], Bar]]:
    """Makes a bar on standard error for each part of something long; they are gone when it is done.

    Args:
        quiet: show none. Where standard error is no terminal, none is shown either.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), _Count(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True, disable=quiet or not err.is_terminal) as bars:

        def bar(what: str) -> Bar:
            task = bars.add_task(what, total=None)
            return lambda done, of: bars.update(task, completed=done, total=of)

        yield bar
