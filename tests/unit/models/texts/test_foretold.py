"""How good what was said of texts was, by hand."""

from __future__ import annotations

from models.texts.foretold import Foretold, Quality, quality_of


def test_the_figures() -> None:
    texts = [
        Foretold(0.9, "positive", True), Foretold(0.8, "positive", False), Foretold(0.6, "", True),
        Foretold(0.2, "negative", False), Foretold(0.2, "negative", False), Foretold(0.4, "", True),
    ]  # fmt: skip
    # Of nine pairs of a satisfied and a dissatisfied one: .9 above all three, .6 and .4 above both of .2.
    assert quality_of(texts) == Quality(texts=6, accuracy=4 / 6, coverage=4 / 6, right=0.75, auc=7 / 9)


def test_ties_count_half_and_nothing_is_no_figure() -> None:
    assert quality_of([Foretold(0.5, "", True), Foretold(0.5, "", False)]).auc == 0.5
    assert quality_of([]) == Quality(0, None, None, None, None)
    assert quality_of([Foretold(0.7, "", True)]) == Quality(1, 1.0, 0.0, None, None)
