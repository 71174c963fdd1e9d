"""Quantiles from a Prometheus histogram."""

from __future__ import annotations

from collections.abc import Sequence

from prometheus_client.parser import text_string_to_metric_families

__all__ = ["quantiles_of"]


def quantiles_of(text: str, name: str, shares: Sequence[float]) -> dict[str, float]:
    """For each share the upper bound, in milliseconds, of the bucket that it falls into; and the count.

    Raises:
        ValueError: there is no such histogram, or it is empty.
    """
    buckets = [
        (float(sample.labels["le"]), sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == f"{name}_bucket"
    ]
    if not buckets or not buckets[-1][1]:
        raise ValueError(f"{name} has counted nothing")
    buckets.sort()
    count = buckets[-1][1]
    figures = {
        f"p{share * 100:g}": 1000 * next(le for le, value in buckets if value >= share * count) for share in shares
    }
    return {"count": count, **figures}
