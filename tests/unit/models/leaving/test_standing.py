"""The corrected score speaks where it has proved better, and only there."""

import random

from models.codec import decode, encode
from models.leaving.standing import LEAST, STILL_HERE, Standing


def stood(now: float, labels: int, standing: Standing | None = None) -> Standing:
    """Of labels that come true in three of ten; BTYD says so of all, the other `now` of those who leave."""
    chance, standing = random.Random(4), standing or Standing()
    for _ in range(labels):
        lost = float(chance.random() < 0.3)
        standing.add(0.3, now if lost else 0.3, lost, 1.0, 0.1 if chance.random() < 0.5 else 0.6)
    return standing


def test_it_speaks_once_it_is_surely_better():
    assert not stood(0.5, LEAST - 1).speaks
    assert stood(0.5, LEAST).speaks
    assert not stood(0.3, 2000).speaks
    assert not stood(0.2, 2000).speaks


def test_it_is_silent_again_when_it_is_worse():
    standing = stood(0.5, 600)

    assert standing.speaks
    assert not stood(0.05, 600, standing).speaks


def test_figures_tell_of_all_and_of_those_still_there():
    standing = stood(0.5, 1000)
    report = standing.ledger.report("causes")

    assert report["all"]["rows"] == 1000 > report["segments"][STILL_HERE]["rows"] > 400
    assert standing.ledger.of("causes").log_loss < standing.ledger.of("btyd").log_loss


def test_it_is_kept_to_the_byte():
    standing = stood(0.5, 500)
    standing.ledger.settle()

    again = stood(0.4, 300, decode(encode(standing), Standing, "it"))
    other = stood(0.4, 300, standing)
    again.ledger.settle(), other.ledger.settle()
    assert encode(again) == encode(other)
