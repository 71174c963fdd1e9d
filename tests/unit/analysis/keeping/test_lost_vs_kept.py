"""Lost against kept customers: by hand, nothing of after the cut, and against plain Python with SciPy."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from statistics import fmean

import pytest
from scipy.stats import mannwhitneyu, ttest_ind

from analysis.keeping.lost_vs_kept import LOST_VS_KEPT, Asked
from analysis.running import run
from tests.analysed import archived, happened
from tests.histories import END, compare_lists, engine_of, history, retold

HORIZON = timedelta(days=182)
BOUGHT, LATER = datetime(2025, 6, 1, 12, tzinfo=UTC), datetime(2025, 9, 1, 12, tzinfo=UTC)


def test_a_reopened_ticket_by_hand() -> None:
    """30 of 100 who were lost against 36 of 300 who were kept: 18.0 points [8.9, 28.1], lift 2.5."""
    shop = []
    for number in range(400):
        name, lost = f"c{number}", number < 100
        shop.append(happened(name, "purchase", BOUGHT, subject=f"{name}-1", amount=100))
        if not lost:
            shop.append(happened(name, "purchase", LATER, subject=f"{name}-2", amount=100))
        if number < 30 or 100 <= number < 136:
            shop.append(happened(name, "ticket_reopened", BOUGHT))
        if not lost:  # after the cut: a consequence of being there, and no feature
            shop.append(happened(name, "complaint", LATER))
    result = run(LOST_VS_KEPT, archived(shop, until="2025-12-31"), Asked(cuts=1))
    rows = {row["feature"]: row for row in result.rows}
    assert set(rows) == {"ticket_reopened, any in 91 days", "a ticket is open"}
    found = rows["ticket_reopened, any in 91 days"]
    assert [found[name] for name in ("lost", "lost_with", "kept", "kept_with")] == [100, 30, 300, 36]
    assert (found["low"], found["difference"], found["high"]) == pytest.approx((0.089, 0.18, 0.281), abs=5e-4)
    assert (found["lift"], found["q"]) == pytest.approx((2.5, 0.000027), abs=5e-7)
    assert found["finding"]
    assert result.sentence is not None
    assert "went with" in result.sentence.en


def test_few_make_no_finding() -> None:
    shop = []
    for number in range(70):
        name, lost = f"c{number}", number < 29
        shop.append(happened(name, "purchase", BOUGHT, subject=f"{name}-1", amount=100))
        if not lost:
            shop += [happened(name, "purchase", LATER, subject=f"{name}-2", amount=100)]
        shop += [
            happened(name, "visit", BOUGHT + timedelta(minutes=at)) for at in range(1 + 3 * (not lost) + number % 2)
        ]
    result = run(LOST_VS_KEPT, archived(shop, until="2025-12-10"), Asked(cuts=1))
    assert result.rows
    assert not any(row["finding"] for row in result.rows)
    assert any("29 lost" in note.en for note in result.notes)


def test_the_same_as_plain_python() -> None:
    engine = engine_of(retold(history()))
    result = run(LOST_VS_KEPT, engine, Asked(cuts=1))
    cut = END.date() - HORIZON - timedelta(days=1)
    days: dict[str, list[tuple[date, int]]] = {}
    for customer, day, row in history().of("purchase"):
        days.setdefault(customer, []).append((day, row["amount"]))
    lost = {}
    for customer, theirs in days.items():
        before = [day for day, _ in theirs if day <= cut]
        if before and max(before) + HORIZON > cut:
            lost[customer] = not any(cut < day <= cut + HORIZON for day, _ in theirs)
    visits = [(customer, (cut - day).days) for customer, day, _ in history().of("visit")]
    complaints = {customer for customer, day, _ in history().of("complaint") if 0 <= (cut - day).days < 91}
    rows = {row["feature"]: row for row in result.rows}

    def split(value: dict[str, float]) -> tuple[list[float], list[float]]:
        return [value[c] for c in lost if lost[c]], [value[c] for c in lost if not lost[c]]

    one, other = split({c: sum(who == c and 0 <= ago < 28 for who, ago in visits) for c in lost})
    row = rows["visit, last 28 days"]
    assert (row["lost"], row["kept"], row["of_lost"], row["of_kept"]) == (
        len(one), len(other), pytest.approx(fmean(one)), pytest.approx(fmean(other))
    )  # fmt: skip
    assert row["p"] == pytest.approx(ttest_ind(one, other, equal_var=False).pvalue)
    year = {c: sum(amount for day, amount in days[c] if 0 <= (cut - day).days < 365) for c in lost}
    one, other = split(year)
    row = rows["revenue, last 365 days"]
    theirs = mannwhitneyu(one, other, method="asymptotic")
    assert row["p"] == pytest.approx(theirs.pvalue)
    assert row["delta"] == pytest.approx(2 * theirs.statistic / len(one) / len(other) - 1)
    row = rows["complaint, any in 91 days"]
    assert row["lost_with"] == sum(lost[c] for c in lost if c in complaints)
    assert row["kept_with"] == sum(not lost[c] for c in lost if c in complaints)
    compare_lists(LOST_VS_KEPT, engine, Asked(cuts=1), result.rows, most=4)
    several = run(LOST_VS_KEPT, engine, Asked(cuts=4)).rows
    assert several[0]["lost"] + several[0]["kept"] > 30
