"""What is learned of texts with a rating, and when it speaks: rules by hand, and texts made at random."""

from __future__ import annotations

import subprocess
import sys
from random import Random

import msgspec
import pytest
from river import linear_model, optim

from models.texts import sentiment as module
from models.texts.grams import grams
from models.texts.sentiment import LEAST, Bounds, Sentiment, SentimentState, Tone, bounds_of
from tests import REPOSITORY
from tests.written import written


def judged(
    language: str = "en", *, texts: int = 2_500, satisfied: float = 0.6, telling: bool = True, seed: int = 7
) -> tuple[Sentiment, list[tuple[Tone, bool]]]:
    """A model that has learned from texts one by one, and what it said of each before, with the truth."""
    dice, sentiment, said = Random(seed), Sentiment(), []
    for _ in range(texts):
        text = written(dice, language, satisfied=satisfied, telling=telling)
        pieces = grams(text.text)
        said.append((sentiment.says(pieces), text.satisfied))
        sentiment.learn(pieces, satisfied=text.satisfied, who=f"c{dice.randrange(texts)}")
    return sentiment, said


@pytest.mark.parametrize(("language", "satisfied"), [("en", 0.6), ("zh", 0.6), ("en", 0.9), ("zh", 0.3)])
def test_where_it_speaks_it_is_right_in_nine_of_ten(language: str, satisfied: float) -> None:
    _, said = judged(language, satisfied=satisfied)
    spoken = [(tone, is_satisfied) for tone, is_satisfied in said if tone]
    assert all(not tone for tone, _ in said[:LEAST])
    assert len(spoken) > 0.25 * len(said[LEAST:])
    for tone in ("negative", "positive"):
        right = [is_satisfied == (tone == "positive") for which, is_satisfied in spoken if which == tone]
        assert len(right) < 20 or sum(right) >= 0.9 * len(right), tone


@pytest.mark.parametrize("satisfied", [0.5, 0.9])
def test_where_texts_say_nothing_it_is_silent(satisfied: float) -> None:
    """Also where nine of ten are satisfied: to say so of everybody would be right as often."""
    sentiment, said = judged(satisfied=satisfied, telling=False)
    assert sentiment.bounds == Bounds()
    assert not any(tone for tone, _ in said)


def test_it_is_silent_until_there_are_fifty_of_each_kind() -> None:
    sentiment = Sentiment()
    for number in range(400):
        satisfied = number % 10 != 0  # forty who are not
        sentiment.learn(["good" if satisfied else "bad"], satisfied=satisfied, who=f"c{number}")
    assert sentiment.bounds == Bounds()
    for number in range(100):
        sentiment.learn(["bad"], satisfied=False, who=f"d{number}")
    assert sentiment.says(["bad"]) == "negative"
    assert sentiment.says(["good"]) == "positive"
    assert sentiment.says(["never seen"]) == ""


def test_pieces_of_fewer_than_five_customers_have_no_weight() -> None:
    sentiment = Sentiment()
    for number in range(20):
        sentiment.learn(["secret"], satisfied=False, who=f"c{number % 4}")
    assert "secret" not in sentiment.state.weights
    assert "secret" not in msgspec.json.encode(sentiment.state).decode()
    sentiment.learn(["secret"], satisfied=False, who="c5")
    assert sentiment.state.weights["secret"] < 0


def test_pieces_that_wait_are_forgotten_before_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_WAITING", 100)
    sentiment = Sentiment()
    for number in range(500):
        sentiment.learn([f"piece-{number}"], satisfied=True, who="A")
    assert len(sentiment.state.waiting) <= 100


def bounds(low: tuple[int, int], high: tuple[int, int], between: int = 100) -> Bounds:
    """Of texts of whose chance .1 some are satisfied and some not, of others of .9, and of as many of either at .5."""
    latest = [(0.1, True)] * low[0] + [(0.1, False)] * low[1] + [(0.9, True)] * high[0] + [(0.9, False)] * high[1]
    return bounds_of(latest + [(0.5, True), (0.5, False)] * between)


def test_bounds_are_where_nine_of_ten_were_right() -> None:
    assert bounds((2, 98), (98, 2)) == Bounds(0.1, 0.9)
    assert bounds((15, 85), (98, 2)) == Bounds(None, 0.9)
    assert bounds((2, 98), (85, 15)) == Bounds(0.1, None)
    assert bounds((0, 12), (12, 0)) == Bounds()  # too few to prove anything
    assert bounds_of([]) == bounds_of([(0.9, True)] * 500) == Bounds()


def test_bounds_are_drawn_as_if_there_were_as_many_of_either_kind() -> None:
    """Of 450 satisfied and 50 not, all of chance .9: nine of ten are right, and none of those who are not is found."""
    assert bounds_of([(0.9, True)] * 470 + [(0.9, False)] * 30) == Bounds()
    assert bounds_of([(0.9, True)] * 470 + [(0.2, False)] * 30).high == 0.9


def test_a_chance_between_the_bounds_says_nothing() -> None:
    both = Bounds(0.2, 0.8)
    assert [both.tone(chance) for chance in (0.1, 0.2, 0.5, 0.8, 1.0, None)] == [
        "negative", "negative", "", "positive", "positive", "",
    ]  # fmt: skip
    assert Bounds().tone(0.0) == Bounds().tone(1.0) == ""


def test_going_on_from_what_was_kept_is_the_same_to_the_bit() -> None:
    dice = Random(3)
    texts = [(grams(text.text), text.satisfied) for text in (written(dice) for _ in range(700))]
    whole, parted = Sentiment(), Sentiment()
    for number, (pieces, satisfied) in enumerate(texts):
        whole.learn(pieces, satisfied=satisfied, who=f"c{number % 90}")
        parted.learn(pieces, satisfied=satisfied, who=f"c{number % 90}")
        if number % 100 == 50:
            kept = msgspec.msgpack.encode(parted.state)
            parted = Sentiment(msgspec.msgpack.decode(kept, type=SentimentState))
    assert msgspec.msgpack.encode(whole.state) == msgspec.msgpack.encode(parted.state)


def test_another_process_learns_the_same() -> None:
    """The order of sets and hashes is another one there."""
    code = (
        "import hashlib, msgspec\nfrom tests.unit.models.texts.test_sentiment import judged\n"
        "print(hashlib.sha256(msgspec.msgpack.encode(judged(texts=400)[0].state)).hexdigest())"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", code], cwd=REPOSITORY, env={"PYTHONHASHSEED": seed, "PYTHONPATH": "."},
            check=True, capture_output=True, text=True, timeout=300,
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(found) == 1


def test_it_learns_as_the_regression_of_river_does() -> None:
    """Of the same values, with the constant as one of them."""
    model = linear_model.LogisticRegression(optim.AdaGrad(module._RATE), intercept_lr=0.0)
    sentiment = Sentiment()
    for number in range(60):
        pieces, satisfied = (["good", "tea"], True) if number % 3 else (["bad", "tea"], False)
        sentiment.learn(pieces, satisfied=satisfied, who=f"c{number}")
        known = [piece for piece in pieces if piece in sentiment.state.weights]
        row = {"": 0.5} | {piece: len(known) ** -0.5 for piece in known}
        model.learn_one(row, satisfied)
    assert sentiment.chance(["bad", "tea"]) == pytest.approx(
        model.predict_proba_one({"": 0.5, "bad": 2**-0.5, "tea": 2**-0.5})[True], rel=1e-9
    )
