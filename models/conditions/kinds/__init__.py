"""The kinds of conditions, each in one file. A new one is its file, and its place in the list here."""

from __future__ import annotations

from models.conditions.kind import Kind
from models.conditions.kinds.cluster import Cluster
from models.conditions.kinds.company import CompanyIs
from models.conditions.kinds.count import Count
from models.conditions.kinds.decayed import Decayed
from models.conditions.kinds.joined import All, Any_, Not
from models.conditions.kinds.leaving import Leaving, Left, Lost
from models.conditions.kinds.opinion import OpinionIs
from models.conditions.kinds.quantile import Quantile
from models.conditions.kinds.rfm import Rfm
from models.conditions.kinds.risk import Band, Risk
from models.conditions.kinds.silence import GapRatio, LastAfter, NotDone, Since
from models.conditions.kinds.standing import InSegment, Stage
from models.conditions.kinds.subscription import SubscriptionIs
from models.conditions.kinds.tickets import OpenTickets
from models.conditions.kinds.totals import Ratio, Sum
from models.conditions.kinds.traits import HasIdentity, TraitIs

__all__ = ["KINDS"]

KINDS: tuple[type[Kind], ...] = (
    All, Any_, Not, TraitIs, HasIdentity, Count, Sum, Decayed, Since, NotDone, LastAfter, Risk, Band, Left, Leaving,
    Lost, Stage, InSegment, OpenTickets, SubscriptionIs, GapRatio, OpinionIs, Ratio, Quantile, Rfm, Cluster,
    CompanyIs,
)  # fmt: skip
"""Every kind, in the order in which messages name them."""
