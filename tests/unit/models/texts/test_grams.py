"""Languages of texts, and the pieces that are learned."""

from __future__ import annotations

import pytest

from models.texts.grams import grams, language_of


@pytest.mark.parametrize(
    ("text", "stated", "language"),
    [
        ("Arrived broken", "", "en"),
        ("Kapot aangekomen", "nl-NL", "nl"),
        ("质量很好", "", "zh"),
        ("质量很好", "zh-CN", "zh"),
        ("质量很好", "en-US", "zh"),  # of the client, whose settings are another language
        ("Arrived broken", "zh-CN", "en"),
        ("买了 iPhone case 很好", "", "zh"),
        ("I like 茶", "", "en"),
        ("品質がいい", "ja", "ja"),
        ("12345 !!", "", "en"),
        ("Arrived broken", "english", "en"),
        ("", "", "en"),
    ],
)
def test_the_language_is_as_stated_if_the_script_is(text: str, stated: str, language: str) -> None:
    assert language_of(text, stated) == language


def test_words_and_pairs_each_once() -> None:
    assert grams("Not good, not GOOD! 12 don’t") == [
        "not", "good", "don't", "not good", "good not", "good don't",
    ]  # fmt: skip


def test_characters_and_pairs_where_there_is_no_space() -> None:
    assert grams("很好App用") == ["很", "好", "app", "用", "很 好", "好 app", "app 用"]


def test_of_a_long_text_only_the_beginning() -> None:
    assert len(grams(" ".join(f"w{'x' * n}" for n in range(900)))) == 799
    assert grams("") == []
