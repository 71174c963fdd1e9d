"""The journey of a customer as SVG that the server draws: a lane for each phase, a dot for each step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log1p

from markupsafe import Markup

from console.views.figures.customer_figures import JourneyView

__all__ = ["swimlane"]

_WIDTH, _LABELS, _LANE, _PAD, _DOT = 400, 108, 22, 10, 5
_LEAST = 0.6  # of the room of a wait of a day's e-fold: also steps that follow at once stand apart


def swimlane(journey: JourneyView, names: Mapping[str, str], words: str, told: Sequence[str]) -> Markup:
    """The steps from left to right, in the lanes of their phases, and the wait since the last; "" without any step.

    A wait has room by its logarithm: a step of minutes is seen beside a wait of months.

    Args:
        journey: of a customer.
        names: of phases in their order, as people call them.
        words: what it shows, for who cannot see it.
        told: of each step, what is said of it to who points at it.
    """
    steps = journey.steps
    if not steps:
        return Markup("")
    lanes = [phase for phase in names if any(step.phase == phase for step in steps)]
    middle = {phase: _LANE * place + _LANE // 2 for place, phase in enumerate(lanes)}
    height = _LANE * len(lanes)
    room = [_LEAST + log1p(step.wait or 0.0) for step in steps[:-1]] + [_LEAST + log1p(journey.waiting or 0.0)]
    scale = (_WIDTH - _LABELS - 2 * _PAD) / sum(room)
    places, x = [], float(_LABELS + _PAD)
    for wide in room:
        places.append(x)
        x += wide * scale
    drawn = Markup("")
    for phase in lanes:
        y = middle[phase]
        drawn += Markup('<text x="0" y="{}">{}</text><line class="lane" x1="{}" y1="{}" x2="{}" y2="{}"/>').format(
            y + 4, names[phase], _LABELS, y, _WIDTH, y
        )
    for at, step in enumerate(steps[:-1]):
        drawn += Markup('<line class="{}" x1="{:.1f}" y1="{}" x2="{:.1f}" y2="{}"/>').format(
            "way" if step.wait is not None else "way gap", places[at], middle[step.phase], places[at + 1],
            middle[steps[at + 1].phase],
        )  # fmt: skip
    y = middle[steps[-1].phase]
    drawn += Markup('<line class="{}" x1="{:.1f}" y1="{}" x2="{:.1f}" y2="{}"/>').format(
        "wait stuck" if journey.stuck else "wait", places[-1], y, x, y
    )
    for place, step, said in zip(places, steps, told, strict=True):
        drawn += Markup('<circle cx="{:.1f}" cy="{}" r="{}"><title>{}</title></circle>').format(
            place, middle[step.phase], _DOT, said
        )
    return Markup('<svg class="swimlane" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        _WIDTH, height, words, drawn
    )
