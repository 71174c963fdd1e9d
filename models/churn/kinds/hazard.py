"""The hazard: the chance of an order in the next label horizon, rolled forward over the churn horizon.

It is learned with its uncertainty by `models.churn.bayes`.
"""

from __future__ import annotations

from models.churn.model import Kind
from models.churn.weights import read_weights
from models.libraries import load

KIND = Kind(
    name="hazard",
    column=0,
    meaning="chance of an order in the next label horizon, learned online, rolled forward over the churn horizon",
    basis="learned from how customers went on",
    learns_from=("short",),
    read=lambda data, config: read_weights(data, config.label_horizon),
    start=lambda config, scaling: load("models.churn.bayes").BayesianHazard(scaling=scaling),
)
