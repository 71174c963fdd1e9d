"""What a plan makes possible of the analyses, and what is said of the rest."""

from __future__ import annotations

from analysis.coverage import Covered, coverage
from plan import load_plan, parse_plan
from tests import REPOSITORY
from tests.plans import BASE


def covered(text: str) -> dict[str, Covered]:
    return {each.analysis.name: each for each in coverage(parse_plan(text, "small.yaml", {}))}


def test_what_a_small_plan_gives() -> None:
    """Orders without refunds: retention without what was given back."""
    found = covered(BASE)["retention"]
    assert found.state == "partly"
    [missing] = found.missing
    assert (missing.what, missing.figures) == ("refund", ("net",))
    assert "role: refund" in missing.hint


def test_what_it_cannot_do_without() -> None:
    found = covered(BASE.replace("facts: {amount: revenue, subject: order_id}", "facts: {amount: revenue}"))[
        "retention"
    ]
    assert found.state == "not possible"
    assert "subject of purchase" in [each.what for each in found.missing]
    assert covered(BASE.replace("role: purchase", "role: goal"))["retention"].state == "not possible"


def test_the_shipped_plan_lets_all_be_made() -> None:
    found = coverage(load_plan(REPOSITORY / "tracking_plan.yaml", {}))
    assert {each.analysis.name for each in found if each.state == "not possible"} <= {"mrr", "goals", "experiment"}
