"""Upgrading: facts as columns for events that were archived before there were any, or by another plan."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from analysis.archive.facts import FactsOf
from analysis.archive.manifests import File
from analysis.archive.reader import Vanished
from streams.archive.compact import rewritten
from streams.archive.manifest_log import Changed, ManifestLog
from streams.archive.write import again

__all__ = ["Upgraded", "upgrade"]


@dataclass(slots=True)
class Upgraded:
    """What an upgrade came to."""

    days: int = 0
    files: int = 0
    events: int = 0
    bytes_before: int = 0
    bytes_after: int = 0


def upgrade(
    log: ManifestLog,
    facts: FactsOf,
    *,
    anew: bool = False,
    tell: Callable[[int, int], None] = lambda done, of: None,
) -> Upgraded:
    """Derive the facts of events that have none, day by day. May run beside an archiver.

    Each day is a manifest of its own: after a crash, or when it was stopped, the days before are done and the next run
    goes on with the rest.

    Args:
        log: of the archive.
        facts: derives them.
        anew: also of events that have them by another plan.
        tell: hears how many days of how many are done.

    Raises:
        OSError: the archive cannot be read or written.
    """
    sums = Upgraded()
    days = sorted(_due(log, facts, anew))
    for done, day in enumerate(days):
        tell(done, len(days))
        while old := _due(log, facts, anew).get(day):
            new: list[File] = []
            try:
                for file in old:
                    new.append(rewritten(log, [file], facts))
                log.replace(new, old)
            except (Changed, Vanished) as error:
                log.drop([file.path for file in new])
                again(log, error)
                continue
            except BaseException:
                log.drop([file.path for file in new])
                raise
            sums.days += 1
            sums.files += len(new)
            sums.events += sum(file.rows for file in new)
            sums.bytes_before += sum(file.bytes for file in old)
            sums.bytes_after += sum(file.bytes for file in new)
            break
    tell(len(days), len(days))
    return sums


def _due(log: ManifestLog, facts: FactsOf, anew: bool) -> dict[str, list[File]]:
    """Days with files whose facts are to be derived."""
    found: defaultdict[str, list[File]] = defaultdict(list)
    for file in log.state.of("events"):
        if not file.facts or (anew and file.facts != facts.fingerprint):
            found[file.day].append(file)
    return found
