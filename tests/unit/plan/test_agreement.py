"""Whether living processes have the same plan: what is held, by whom, for how long, and what people read."""

from __future__ import annotations

from plan.agreement import PATIENCE, Agreement, agree
from profiles.units import PlanRules, PlanSign, PlansInUse

T0 = 1_700_000_000.0
OLD = PlanRules(version=7, first=T0, segments={"same": "1", "moved": "2", "gone": "3"}, alerts={"risk": "4"})
NEW = PlanRules(version=8, first=T0 + 900, segments={"same": "1", "moved": "9", "new": "5"}, alerts={"risk": "4"})
RULES = {"old": OLD, "new": NEW}


def sign(plan: str, began: float = T0, *, decides: bool = True) -> PlanSign:
    """Of a living process."""
    return PlanSign(plan=plan, version=RULES[plan].version, began=began, seen=0, decides=decides)


def found(now: float, rules: dict[str, PlanRules] | None = None, **signs: PlanSign) -> PlansInUse:
    """What is read at a time."""
    return PlansInUse(now, signs, RULES if rules is None else rules)


def test_the_same_plan_everywhere_holds_nothing() -> None:
    agreement = agree(found(T0 + 5, a=sign("old"), b=sign("old")))

    assert (agreement.differ, agreement.overdue, agreement.since) == (False, False, 0.0)
    assert agreement.held_by("old") == (frozenset(), frozenset())
    assert agreement.in_words() == "version 7 (old): a, b"


def test_while_plans_differ_everybody_holds_what_is_new_changed_or_gone() -> None:
    agreement = agree(found(T0 + 905, a=sign("old"), b=sign("old"), c=sign("new", T0 + 900)))

    assert (agreement.differ, agreement.overdue, agreement.since) == (True, False, T0 + 900)
    for plan in ("old", "new"):
        assert agreement.held_by(plan) == ({"moved", "new", "gone"}, set())
    assert agreement.settling
    assert agreement.in_words() == (
        "version 8 (new): c; version 7 (old): a, b. What differs is held, nobody enters or leaves: gone, moved, new"
    )


def test_after_a_minute_the_newest_goes_ahead_and_the_others_hold() -> None:
    """So nobody is sent to and fro, however long somebody is stuck with the old plan."""
    signs = {"a": sign("old"), "c": sign("new", T0 + 900)}

    assert not agree(found(T0 + 900 + PATIENCE, **signs)).overdue
    late = agree(found(T0 + 901 + PATIENCE, **signs))
    assert late.overdue
    assert not late.settling
    assert late.held_by("new") == (frozenset(), frozenset())
    assert late.held_by("old").segments == {"moved", "new", "gone"}
    assert "who has the first goes ahead" in late.in_words()


def test_a_worker_that_restarts_with_the_old_plan_does_not_begin_the_minute_anew() -> None:
    first = agree(found(T0 + 950, a=sign("old"), c=sign("new", T0 + 900)))
    again = agree(found(T0 + 970, a=sign("old", T0 + 969), c=sign("new", T0 + 900)), first)

    assert first.since == again.since == T0 + 900
    assert list(again.plans) == ["new", "old"]


def test_nor_does_one_that_comes_and_goes_while_the_others_agree() -> None:
    """Only a minute in which nobody has the old plan does."""
    old, new = sign("old"), sign("new", T0 + 900)
    seen = Agreement()
    for second in range(910, 1000, 10):
        came = sign("old", T0 + second)
        seen = agree(found(T0 + second, a=came if second % 20 else new, c=new), seen)
        assert seen.differ == bool(second % 20)
        assert seen.overdue == (seen.differ and second > 910 + PATIENCE)

    first = agree(found(T0 + 910, a=old, c=new))
    agreed = agree(found(T0 + 911 + PATIENCE, a=new, c=new), first)
    again = agree(found(T0 + 1100, a=sign("old", T0 + 1100), c=new), agreed)
    assert (agreed.since, again.since, again.overdue) == (0.0, T0 + 1100, False)


def test_of_the_same_version_the_newest_is_the_one_that_came_into_use_last() -> None:
    """Whoever restarts last with it."""
    for newest, at in (("new", T0 + 900), ("old", T0 - 1)):
        known = {"old": OLD, "new": PlanRules(version=7, first=at, segments={}, alerts={})}
        signs = {
            "a": PlanSign(plan="old", version=7, began=T0 + 999, seen=0),
            "b": PlanSign(plan="new", version=7, began=T0 + 900, seen=0),
        }
        assert next(iter(agree(found(T0 + 1000, known, **signs)).plans)) == newest


def test_a_process_that_moves_nobody_is_told_of_and_holds_nothing_up() -> None:
    """Ingest by itself, or a console: even with the newest plan."""
    agreement = agree(found(T0 + 999, a=sign("old"), ingest=sign("new", T0 + 900, decides=False)))

    assert agreement.differ
    assert agreement.held_by("old") == (frozenset(), frozenset())
    assert agreement.in_words().endswith("have the same segments and alerts")


def test_of_a_plan_that_is_not_told_yet_everything_is_held() -> None:
    agreement = agree(found(T0 + 901, {"old": OLD}, a=sign("old"), c=sign("new", T0 + 900)))

    assert agreement.held_by("old") == (OLD.segments.keys(), OLD.alerts.keys())
