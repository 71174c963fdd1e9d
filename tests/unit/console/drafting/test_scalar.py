"""Text in YAML."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from console.drafting.scalar import scalar


@given(st.text())
def test_what_is_written_is_read(text):
    """As a value and as a key, on one line, also in a mapping on a line."""
    written = scalar(text)

    assert len(written.splitlines()) == 1
    assert yaml.safe_load(f"{{{written}: {written}}}  # guessed") == {text: text}


@pytest.mark.parametrize("text", ["Order Completed", "A team's word counts; so do others.", "order_id"])
def test_words_stay_plain(text):
    """People read it."""
    assert scalar(text) == text


@pytest.mark.parametrize("text", ["no", "y", "null", "Off", "1e5", "2026-01-05", "a: b", "x #y", "<<", ""])
def test_what_may_be_taken_otherwise_is_quoted(text):
    """By whatever version of YAML."""
    assert scalar(text).startswith('"')
