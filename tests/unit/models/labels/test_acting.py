"""What acting on alerts is worth: both groups counted, and nothing said of few."""

from __future__ import annotations

import pytest

from models.codec import decode, encode
from models.config import ChurnConfig
from models.labels.acting import Acting
from models.labels.examples import Example
from models.learning.judge import Judge


def label(held_out: bool, left: bool) -> Example:
    return Example("p", 0.0, 1.0, "", b"", y=not left, horizon="full", held_out=held_out)


def test_those_at_high_risk_are_counted_by_whether_they_were_held_out() -> None:
    judge = Judge(ChurnConfig())
    for number in range(40):
        judge.on_acting(0.9, label(held_out=True, left=number % 2 == 0))
        judge.on_acting(0.9, label(held_out=False, left=number % 4 == 0))
        judge.on_acting(0.3, label(held_out=True, left=True))  # at no high risk
        judge.on_acting(None, label(held_out=True, left=True))  # there was no answer
    acting = judge.acting
    assert (acting.held_out.labels, acting.others.labels) == (40, 40)
    assert acting.effect == pytest.approx(0.5 - 0.25)

    again = Judge(ChurnConfig())
    again.restore(judge.parts())
    assert again.acting == acting
    judge.forget_full()
    assert judge.acting == Acting()


def test_few_say_nothing() -> None:
    acting = Acting()
    assert (acting.effect, acting.held_out.share) == (None, None)
    for _ in range(29):
        acting.add(True, True, 1.0)
        acting.add(False, False, 1.0)
    assert acting.effect is None
    assert decode(encode(acting), Acting, "") == acting
