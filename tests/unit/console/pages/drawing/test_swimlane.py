"""The swim lane of a journey: a lane for each phase that occurs, within its frame, with its words."""

from __future__ import annotations

import re

from console.pages.drawing.swimlane import swimlane
from console.views.figures.customer_figures import JourneyView, StepView

NAMES = {"consider": "considers", "intend": "intends", "buy": "<buys>", "use": "uses"}


def step(phase: str, day: float, wait: float | None) -> StepView:
    at = 1_700_000_000.0 + day * 86_400.0
    return StepView.model_validate({"phase": phase, "first": at, "last": at, "events": 1, "wait": wait})


def journey(*steps: StepView, stuck: bool | None = None) -> JourneyView:
    return JourneyView(steps=list(steps), waiting=40.0, slow=None, moves=0, stuck=stuck)


def test_a_lane_for_each_phase_that_occurs_in_the_order_of_phases() -> None:
    steps = (step("buy", 0, 1.0), step("consider", 1, None), step("buy", 30, None))
    drawn = swimlane(journey(*steps), NAMES, 'Way: "x"', ["one", "two", "<three>"])

    assert re.findall(r"<text[^>]*>([^<]*)</text>", drawn) == ["considers", "&lt;buys&gt;"]
    assert 'aria-label="Way: &#34;x&#34;"' in drawn
    assert re.findall(r"<title>([^<]*)</title>", drawn) == ["one", "two", "&lt;three&gt;"]
    assert (drawn.count('class="way"'), drawn.count('class="way gap"'), drawn.count('class="wait"')) == (1, 1, 1)
    x = [float(found) for found in re.findall(r'cx="([\d.]+)"', drawn)]
    assert x == sorted(x)
    assert all(0 <= float(found) <= 400 for found in re.findall(r'[cx][x12]="([\d.]+)"', drawn))


def test_who_is_stuck_is_seen_and_nobody_without_a_step() -> None:
    assert 'class="wait stuck"' in swimlane(journey(step("intend", 0, None), stuck=True), NAMES, "", ["one"])
    assert swimlane(journey(), NAMES, "", []) == ""
