"""Churn without the detour through a hazard: the chance of an order within the whole churn horizon, from its labels."""

from __future__ import annotations

from models.churn.model import Kind
from models.churn.weights import read_weights
from models.libraries import load

KIND = Kind(
    name="direct",
    column=2,
    meaning="chance of an order within the whole churn horizon, learned online from labels that take as long",
    basis="learned from how customers went on over the whole horizon",
    learns_from=("full",),
    read=lambda data, config: read_weights(data, config.horizon),
    start=lambda config, scaling: load("models.churn.gradient").OnlineLogistic("direct"),
)
