"""Words about companies: every part of the health has some, known or not."""

from __future__ import annotations

import pytest

from models.companies.health import WEIGHTS
from models.companies.words import part_in_words
from profiles.types import HealthPart


@pytest.mark.parametrize("name", WEIGHTS)
def test_every_part_says_what_it_was_judged_by(name: str) -> None:
    """Or what is not known; of a part of another version nothing."""
    known, unknown = HealthPart(name, 50.0, 1.0, 2.0, 3.0), HealthPart(name, None, 1.0)

    assert part_in_words(known)
    assert part_in_words(unknown) not in ("", "nothing is known")
    assert part_in_words(HealthPart("else", None, 1.0)) == "nothing is known"
    assert part_in_words(HealthPart("else", 1.0, 1.0)) == ""
