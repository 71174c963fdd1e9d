"""Training records held back until the border of their step, and then taken in an order that is not of partitions.

While the clock goes in steps, every partition makes its records at the same moment, and which of them is in the log
first depends on how many partitions and workers there are. What the models learn depends on the order. So the records
of a step wait until its border says that all of them are here, and are then sorted by their own times.
"""

from __future__ import annotations

from models.labels.examples import Border, Example, Of, OrderSummary, TrainingRecord

__all__ = ["Held"]


class Held:
    """What waits for a border. In memory only: as long as anything waits, nothing after it in the log may be committed,
    so that a learner that is killed reads all of it again.
    """

    def __init__(self) -> None:
        self._step: dict[str, Example | OrderSummary | Of] = {}  # by key: an outbox may have been delivered twice
        self._after: list[TrainingRecord] = []  # came meanwhile without waiting for a border: in the order of the log

    def __bool__(self) -> bool:
        return bool(self._step)

    def add(self, record: TrainingRecord, passed: float) -> list[TrainingRecord]:
        """What can be learned now that this record has come, in the order in which to learn it.

        Args:
            record: the next of the log.
            passed: the latest border that was learned up to.
        """
        if isinstance(record, Border):
            return self._end(record, passed)
        if isinstance(record, Example | OrderSummary | Of) and record.border > passed:
            self._step.setdefault(record.key, record)
            return []
        if not self._step:
            return [record]
        self._after.append(record)
        return []

    def _end(self, border: Border, passed: float) -> list[TrainingRecord]:
        if self._step and border.time <= passed and not border.begins:
            return []  # it comes late: it was the end of a step before
        ready = [*sorted(self._step.values(), key=_place), *self._after, border]
        self._step, self._after = {}, []
        return ready


def _place(record: Example | OrderSummary | Of) -> tuple[float, str, str, float, str]:
    """When it could be known, then whose it is, then of which definition of churn."""
    if isinstance(record, OrderSummary):
        return record.at, "", record.profile, record.at, ""
    example, churn = (record.record, record.churn) if isinstance(record, Of) else (record, "")
    assert isinstance(example, Example)  # a decision waits for no border
    return example.due, example.horizon, example.profile, example.at, churn
