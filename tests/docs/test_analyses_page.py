"""docs/analyses.md has a row for every analysis, and for no other."""

from __future__ import annotations

import re

from analysis.registry import analyses
from tests import REPOSITORY

PAGE = (REPOSITORY / "docs" / "analyses.md").read_text()


def test_every_analysis_has_its_row() -> None:
    rows = re.findall(r"^\| ((?:`[a-z0-9_]+`(?:, )?)+) \|", PAGE, re.MULTILINE)
    assert sorted(re.findall(r"`(.*?)`", " ".join(rows))) == sorted(analyses())
