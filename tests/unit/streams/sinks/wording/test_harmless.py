"""Hostile text: what is left of controls, turned lines, mentions, links, addresses, and of endless names."""

from __future__ import annotations

import time
import unicodedata

import pytest

from streams.sinks.wording.harmless import flat, harmless, nameless
from tests.told import HOSTILE


@pytest.mark.parametrize("clean", [harmless, flat])
def test_nothing_wakes_anybody_turns_a_line_round_or_leads_anywhere(clean):
    said = clean(HOSTILE, 5000)
    assert said.isprintable()
    assert "\n" not in said
    assert not {unicodedata.category(sign) for sign in said} & {"Cc", "Cf", "Cs", "Co"}
    assert "@" not in said
    assert "://" not in said
    assert "www." not in said
    assert "evil.example" in said  # as text it is all there
    assert said.encode()


def test_signs_of_markup_are_no_markup_any_more():
    said = flat(HOSTILE, 5000)
    assert not set("*_`#[]()<>!~|\\{}&$") & set(said)


@pytest.mark.parametrize("text", ["Zoë 王小明", "محمد‌رضا", "👩‍👩‍👧", "क्षत्रिय", "O’Brien-Łukasz"])
def test_names_stay_as_they_are(text):
    assert harmless(text, 80) == flat(text, 80) == text


def test_a_name_of_a_hundred_thousand_letters_is_cut_at_once():
    start = time.perf_counter()
    for sign in ("a", "\u202e", " ", "@", "+31", "\ud800"):
        said = harmless(nameless(sign * 100_000), 80)
        assert len(said) <= 80
    assert time.perf_counter() - start < 20


def test_a_cut_is_told():
    assert harmless("a" * 81, 80) == "a" * 79 + "…"
    assert harmless("a" * 80, 80) == "a" * 80


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("daan@example.com", "…"),
        ("Daan <daan.w+x@mail.example.co.uk>", "Daan <…>"),
        ("Daan +31 6 1234 5678", "Daan …"),
        ("Daan 06-12345678", "Daan …"),
        ("Daan 0031612345678", "Daan …"),
        ("(555) 123-4567", "…"),
        ("王 13800138000", "王 …"),
        ("user 42", "user 42"),
        ("user 12345678", "user 12345678"),
        ("Studio 54, 3rd floor", "Studio 54, 3rd floor"),
    ],
)
def test_a_name_that_is_an_address_or_a_number_is_not_told(text, left):
    assert nameless(text) == left


def test_dates_and_amounts_of_reasons_stay():
    text = "Spent 1,234,567.00 on 2026-11-30, 0612345678 by a@b.example"
    assert nameless(text, numbers=False) == "Spent 1,234,567.00 on 2026-11-30, 0612345678 by …"
