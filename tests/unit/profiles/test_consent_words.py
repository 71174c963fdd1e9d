"""Answers about consent, as they are spelt."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.consent_words import answer, tcf_purposes


def tc_string(purposes: frozenset[int], version: int = 2) -> str:
    """The core of a TC string that consents to some purposes; all else in it is of no matter here."""
    bits = f"{version:06b}" + "10" * 73 + "".join("1" if n in purposes else "0" for n in range(1, 25)) + "01" * 20
    return base64.urlsafe_b64encode(int(bits, 2).to_bytes(len(bits) // 8)).decode().rstrip("=")


@given(st.frozensets(st.integers(1, 24)), st.sampled_from(["", ".YAAAAAAAAAA", ".IFoEUQQg"]), st.booleans())
def test_a_tc_string_says_to_which_purposes_there_is_consent(purposes: frozenset[int], rest: str, gpp: bool) -> None:
    """With further segments, and as a section of a GPP string."""
    text = tc_string(purposes) + rest

    assert tcf_purposes(f"DBABMA~{text}~1YNN" if gpp else text) == purposes


def test_a_published_tc_string() -> None:
    """Of which decoders publish that it consents to the first three purposes."""
    assert tcf_purposes("COvFyGBOvFyGBAbAAAENAPCAAOAAAAAAAAAAAEEUACCKAAA") == {1, 2, 3}


@pytest.mark.parametrize(
    "text",
    ["", "x", "C", "CPXxRfAPXxRfAA", "C" * 20_000, "C\u00e9" * 30, tc_string(frozenset(), 1), "1YNN", None, 5, [1], {}],
)
def test_what_is_no_tc_string_is_refused(text: Any) -> None:
    with pytest.raises(ValueError, match="not"):
        tcf_purposes(text)


@given(st.none() | st.integers() | st.floats() | st.text() | st.lists(st.booleans()))
def test_any_value_is_an_answer_or_none(value: Any) -> None:
    """And spelling it out changes nothing."""
    word = answer(value)

    assert word in (True, False, None)
    if word is not None:
        assert answer(str(word)) is answer(str(word).upper()) is answer(f" {word} ") is word
