"""The audit trail in words: there are some for all that is written down."""

from __future__ import annotations

import re

from console.views.operating.audit import ACTIONS
from tests import REPOSITORY


def test_there_are_words_for_all_that_is_written_down() -> None:
    code = "\n".join(path.read_text() for path in (REPOSITORY / "console").rglob("*.py"))
    actions = set(re.findall(r'audit="([a-z.-]+)"', code))
    actions |= set(re.findall(r'\.note\(\s*request, viewer, "([a-z.-]+)"', code))

    assert len(actions) > 20
    assert actions <= ACTIONS.keys()
