"""The plan's section of consent: read, checked, compared, told."""

from __future__ import annotations

import pytest

from plan import PlanError, diff_plans, render_markdown
from profiles.consent import PURPOSES

PURPOSE = "{description: D, default: granted, trait: agrees, category: ads, owner: Legal, basis: Their word}"
TRAIT = ("traits:\n", "traits:\n  agrees: {type: boolean, description: d}\n")
SECTION = ("events:\n", f"consent:\n  outreach: {PURPOSE}\nevents:\n")


def problems(plan_of, *changes):
    with pytest.raises(PlanError) as caught:
        plan_of(*changes)
    return [str(problem) for problem in caught.value.problems]


def test_a_plan_without_the_section_grants_everything(plan_of):
    """As before there was one."""
    assert plan_of().consent.defaults == {}
    assert plan_of().consent.purposes == PURPOSES


def test_defaults_and_purposes_of_its_own(plan_of):
    """A plan may know more purposes than Rapport does."""
    research = "  research: {description: D, default: denied, category: r, owner: o, basis: b}\n"
    own = SECTION[1].replace("events:", f"{research}events:")
    plan = plan_of(TRAIT, ("events:\n", own))

    assert plan.warnings == []
    assert plan.consent.defaults == {"outreach": True, "research": False}
    assert plan.consent.purposes == (*PURPOSES, "research")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([SECTION], "consent.outreach.trait: there is no trait 'agrees'"),
        ([TRAIT, (TRAIT[1], TRAIT[1].replace("boolean", "string")), SECTION],
         "consent.outreach.trait: trait 'agrees' is of type string; consent needs a boolean"),
        ([TRAIT, (SECTION[0], SECTION[1].replace("granted", "maybe"))],
         "consent.outreach.default: input should be 'granted' or 'denied'"),
        ([TRAIT, (SECTION[0], SECTION[1].replace(", basis: Their word", ""))], "consent.outreach.basis: is required"),
        ([TRAIT, (SECTION[0], SECTION[1].replace("outreach:", "Out-Reach:"))], "consent.Out-Reach"),
        ([("traits:\n", "traits:\n  consent.outreach: {type: boolean, description: d}\n")],
         "traits.consent.outreach: names that begin with 'consent.' are for what customers said"),
        ([("{name: dutch, ", "{name: dutch, purpose: outrech, ")],
         "segments[0].purpose: there is no purpose 'outrech'; did you mean 'outreach'?"),
        ([("{name: risk, ", "{name: risk, purpose: research, ")], "alerts[0].purpose: there is no purpose 'research'"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_told(plan_of, changes, expected):
    """Each with its place."""
    found = problems(plan_of, *changes)

    assert len(found) == 1, found
    assert expected in found[0]


def test_a_purpose_that_nobody_can_speak_about_is_a_warning(plan_of):
    """Unless there is an event of consent."""
    mute = (SECTION[0], SECTION[1].replace("trait: agrees, category: ads, ", ""))

    assert [problem.path for problem in plan_of(mute).warnings] == ["consent.outreach"]
    assert plan_of(mute, ("role: visit", "role: consent")).warnings == []


@pytest.mark.parametrize(
    ("old", "new", "path", "breaking"),
    [
        ("default: granted", "default: denied", "consent.outreach.default", True),
        ("default: denied", "default: granted", "consent.outreach.default", True),
        ("category: ads, ", "category: adverts, ", "consent.outreach.category", True),
        ("category: ads, ", "", "consent.outreach.category", True),
        ("trait: agrees, owner", "trait: agrees, category: ads, owner", "consent.outreach.category", False),
        ("basis: Their word", "basis: The law", "consent.outreach.basis", False),
        ("owner: Legal", "owner: CRM", "consent.outreach.owner", False),
    ],
)
def test_what_changed(plan_of, old, new, path, breaking):
    """What customers said elsewhere is no longer heard, or other people are treated otherwise: breaking."""
    purpose = PURPOSE if old in PURPOSE else PURPOSE.replace(new, old)
    before = plan_of(TRAIT, ("events:\n", f"consent:\n  outreach: {purpose}\nevents:\n"))
    after = plan_of(TRAIT, ("events:\n", f"consent:\n  outreach: {purpose.replace(old, new)}\nevents:\n"))

    assert [(change.path, change.breaking) for change in diff_plans(before, after)] == [(path, breaking)]


def test_purposes_come_and_go(plan_of):
    """One that is denied to begin with changes what happens to everybody."""
    bare, granted = plan_of(TRAIT), plan_of(TRAIT, SECTION)
    denied = plan_of(TRAIT, (SECTION[0], SECTION[1].replace("granted", "denied")))

    assert [change.breaking for change in diff_plans(bare, granted)] == [False]
    assert [change.breaking for change in diff_plans(bare, denied)] == [True]
    assert [str(change) for change in diff_plans(granted, bare)] == ["consent.outreach: is gone"]


def test_what_a_rule_is_for_may_change(plan_of):
    """It is told like any other setting of a rule."""
    [change] = diff_plans(plan_of(), plan_of(("{name: risk, ", "{name: risk, purpose: profiling, ")))

    assert str(change) == "alerts.risk.purpose: outreach → profiling"


def test_the_page_tells_what_is_asked_for_and_what_needs_it(shipped):
    """Purposes with their words, defaults, places and bases; segments and alerts with what they need."""
    page = render_markdown(shipped)

    for name, spec in shipped.file.consent.items():
        said = f"trait `{spec.trait}` or " + " or ".join(f"category `{each}`" for each in spec.every_category)
        said += f" or TCF purposes {', '.join(map(str, spec.tcf))}" if spec.tcf else ""
        said += " or Global Privacy Control" if spec.gpc else ""
        assert f"| `{name}` | {spec.description} | {spec.default} | {said} | {spec.basis} | {spec.owner} |" in page
    assert "| `at_risk` | Likely to be lost | churn risk is high |  | profiling |" in page
    assert "| CRM | outreach, profiling |" in page
    assert "| Support | outreach |" in page
