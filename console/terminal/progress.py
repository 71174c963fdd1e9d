"""The progress bar of everything that takes long."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskProgressColumn, TimeRemainingColumn
from rich.text import Text

from console.terminal.output import err
from streams.visible import visible

__all__ = ["Bar", "Saying", "adding", "progress", "saying"]

Bar = Callable[[float, float | None], None]
"""Moves a bar: how much is done, and of how much if that is known."""


Saying = Callable[[str, float], None]
"""Moves a bar that says something of its own: what, and which share is done, from 0 to 1."""


class _What(ProgressColumn):
    """What a bar is of: text, without markup."""

    def render(self, task: Task) -> Text:
        return Text(visible(task.description))


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
    columns = (_What(), BarColumn(), TaskProgressColumn(), _Count(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True, disable=quiet or not err.is_terminal) as bars:

        def bar(what: str) -> Bar:
            task = bars.add_task(what, total=None)
            return lambda done, of: bars.update(task, completed=done, total=of)

        yield bar


def adding(bar: Bar, of: float | None = None) -> Callable[[int], None]:
    """What moves a bar by how much was done since it was last told."""
    done = 0

    def tell(count: int) -> None:
        nonlocal done
        done += count
        bar(done, of)

    return tell


@contextmanager
def saying(*, quiet: bool = False) -> Iterator[Saying]:
    """A bar whose words change as it moves; where there is no terminal, none is shown.

    Args:
        quiet: show none.
    """
    columns = (_What(), BarColumn(), TaskProgressColumn())
    with Progress(*columns, console=err, transient=True, disable=quiet or not err.is_terminal) as bars:
        task = bars.add_task("", total=1.0)
        yield lambda what, share: bars.update(task, description=what, completed=min(max(share, 0.0), 1.0))
