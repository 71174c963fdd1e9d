"""Which of two alerts of one rule stands after a rebuild."""

from __future__ import annotations

import pytest

from profiles.types import Alert
from streams.rebuild.alerts import standing


def alert(id_: str, state: str, opened: float, changed: float | None = None) -> Alert:
    return Alert(id_, "r", state, opened, opened if changed is None else changed, 0.5)


@pytest.mark.parametrize(
    ("played", "told", "stands"),
    [
        (None, alert("t", "open", 5), ("t", 5)),  # false: workers will find it over, and say so
        (alert("p", "open", 3), None, ("p", 3)),
        (alert("p", "open", 3), alert("t", "open", 5), ("t", 3)),  # known under its id, open for longer
        (alert("p", "cleared", 3), alert("t", "acknowledged", 5), ("t", 5)),
        (alert("p", "open", 3), alert("t", "resolved", 5, 6), ("t", 5)),  # people are done with it
        (alert("p", "open", 9), alert("t", "resolved", 5, 6), ("p", 9)),  # but not with this one
        (alert("p", "open", 3), alert("t", "cleared", 5, 6), ("p", 3)),
        (alert("p", "cleared", 3), alert("t", "cleared", 5, 6), ("p", 3)),
    ],
)
def test_what_was_told_stands_where_people_or_their_tools_know_of_it(
    played: Alert | None, told: Alert | None, stands: tuple[str, float]
) -> None:
    found = standing(played, told)
    assert found is not None
    assert (found.id, found.opened) == stands
