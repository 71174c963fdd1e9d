"""The hazard as a gradient learns it: FTRL-proximal, one step size for each feature."""

from __future__ import annotations

from models.churn.model import Kind
from models.churn.weights import read_weights
from models.libraries import load

KIND = Kind(
    name="ftrl",
    column=1,
    meaning="the same chance, learned by FTRL-proximal, one step size for each feature",
    basis="learned from how customers went on, by gradient",
    learns_from=("short",),
    read=lambda data, config: read_weights(data, config.label_horizon),
    start=lambda config, scaling: load("models.churn.gradient").OnlineLogistic("ftrl", scaling=scaling),
)
