"""A hazard that sees only how long a customer has been silent: what the other features must add to."""

from __future__ import annotations

from models.churn.model import Kind
from models.churn.weights import read_weights
from models.libraries import load

COLUMNS = ("recency", "log_recency")
"""The features that it sees."""

KIND = Kind(
    name="recency",
    column=4,
    meaning="a hazard that sees only the time since the last order",
    basis="learned from the time since the last order alone",
    learns_from=("short",),
    read=lambda data, config: read_weights(data, config.label_horizon),
    start=lambda config, scaling: load("models.churn.gradient").OnlineLogistic("recency", COLUMNS, scaling=scaling),
)
