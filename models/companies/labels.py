"""Labels of companies: a snapshot of a company's signals now, and whether it is still here once the horizon is over.

As of customers (`models.labels.snapshots`), but of signals in place of features, and for the risk of companies alone:
by how contracts end if the plan says so, else by whether anybody works with it. Whose every contract is over by the
definition that stages go by has left, too. What is said of a company in a snapshot is what judges it later.

Nothing is learned of a company of which a member was erased meanwhile, which is another one, or for which another one
counts: nobody can say any more what would have become of it.
"""

from __future__ import annotations

import math
import zlib
from collections import Counter

import numpy as np

from models.companies.measures import worked
from models.companies.signals import Signals, ground_of, signals_of
from models.config import ChurnConfig
from models.labels.examples import Example
from models.labels.outages import Outages, hidden
from models.labels.outcomes import holds, stayed
from models.labels.snapshots import Tally
from models.labels.treatment import treated
from profiles.types import Profile, Snapshot

__all__ = ["COMPANIES", "SIGNALS", "CompanyLabels", "censor", "pack", "unpack"]

COMPANIES = "~companies"
"""Names their records among those of further definitions of churn, none of which can be called so."""

SIGNALS = f"company-{zlib.crc32(' '.join(Signals._fields).encode()):08x}"
"""The schema of the signals in a snapshot: another one is read by nobody."""

_NAME = "company"  # before what became of a label, in the tally


def pack(signals: Signals) -> bytes:
    """The signals as a snapshot keeps them: float32, little-endian."""
    return np.array(signals, dtype="<f4").tobytes()


def unpack(x: bytes) -> Signals:
    """What `pack` gave.

    Raises:
        ValueError: it is something else.
    """
    found = np.frombuffer(x, dtype="<f4").tolist()
    if len(found) != len(Signals._fields) or not all(map(math.isfinite, found)):
        raise ValueError("these are no signals of a company")
    return Signals(*found)


class CompanyLabels:
    """When companies are photographed, and what became of those who were.

    Args:
        churn: of the plan.
    """

    def __init__(self, churn: ChurnConfig) -> None:
        self._ground = ground_of(churn)
        self.config = self._ground.contract or churn
        over = self._ground.over
        self.lateness = max(self.config.lateness, over.lateness if over is not None else 0.0)
        """Seconds after its horizon until a label is final: until then a contract may be renewed."""

    def next_snapshot(self, company: Profile, now: float) -> float | None:
        """The next time after `now` at which a company is due for a snapshot; None of one without a risk. Times are
        spread by the hash of the id."""
        if company.score is None:
            return None
        every = self.config.snapshot_every
        phase = zlib.crc32(company.id.encode()) / 2**32 * every
        slot = math.floor((now - phase) / every) + 1
        while slot * every + phase <= now:  # the division may round down
            slot += 1
        return slot * every + phase

    def take(self, company: Profile, now: float) -> bool:
        """Keep a snapshot on a company's document, with the risk that is shown; whether one was taken.

        As of customers, none is taken of who has a recent one, or an event further ahead of `now` than the lateness.
        """
        score, at = company.score, max(now, company.updated)
        if score is None or company.updated > now + self.config.lateness:
            return False
        if any(at - pending.at < 0.5 * self.config.snapshot_every for pending in company.snapshots):
            return False
        if (signals := signals_of(company, at, self._ground)) is None:
            return False
        said = np.array([score.risk], dtype="<f4").tobytes()
        company.snapshots.append(
            Snapshot(at, at + self._ground.horizon, SIGNALS, pack(signals), risks=said, model=score.model)
        )
        return True

    def next_due(self, company: Profile) -> float | None:
        """When the earliest waiting label becomes final."""
        return min((pending.due + self.lateness for pending in company.snapshots), default=None)

    def mature(
        self, company: Profile, reached: float, outages: Outages = (), tally: Tally | None = None
    ) -> list[Example]:
        """Take the labels that are final off a company, oldest snapshot first.

        Args:
            company: changed in place.
            reached: the time that labels have reached.
            outages: a label whose horizon they hide is dropped.
            tally: counts what became of labels.
        """
        tally = Counter() if tally is None else tally
        final = [each for each in company.snapshots if each.due + self.lateness <= reached]
        if not final:
            return []
        company.snapshots = [each for each in company.snapshots if each.due + self.lateness > reached]
        found: list[Example] = []
        for pending in sorted(final, key=lambda each: each.at):
            if hidden(outages, pending.at, pending.due):
                tally[_NAME, "outage"] += 1
                continue
            here = self.stayed(company, pending.at, pending.due)
            tally[_NAME, "forgotten" if here is None else "stayed" if here else "left"] += 1
            if here is not None:
                found.append(_example(company, pending, here))
        return found

    def stayed(self, company: Profile, after: float, until: float) -> bool | None:
        """Whether a company that was here is still here at the end of a horizon; None if nobody knows any more."""
        contract, over = self._ground.contract, self._ground.over
        if contract is None:
            team = company.company.team if company.company is not None else None
            return None if team is None else worked(team, after, until)
        here = stayed(company, after, until, contract)
        if not here or over is None or over is contract or over.definition is None:
            return here
        return holds(company, until, over.definition.ends_by, since=after, judged=True)


def _example(company: Profile, pending: Snapshot, here: bool) -> Example:
    return Example(
        company.id, pending.at, pending.due, pending.schema, pending.x, here, horizon="full", risks=pending.risks,
        model=pending.model, treated=treated(company, pending, pending.due),
    )  # fmt: skip


def censor(company: Profile, tally: Tally) -> None:
    """Drop what waits for a label: nobody can say any more what it would have been.

    Args:
        company: changed in place.
        tally: counts the labels as `censored`.
    """
    if company.snapshots:
        tally[_NAME, "censored"] += len(company.snapshots)
        company.snapshots = []
