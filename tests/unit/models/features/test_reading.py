"""What is read, and what follows from it, is to the bit what the rows of the table say one by one."""

from __future__ import annotations

import random

import numpy as np

from models.durations import DAY, WEEK
from models.features.feature import Fading, Figure, Held, OfAnswer, OfPart, OfRole, Together
from models.features.matrix import ENGAGED, rolled
from models.features.reading import FADES, PLACE, RAW, STAYS, TIME, raws
from models.features.table import COLUMN, TABLE
from profiles.types import Profile
from tests.build import KINDS_COUNT, T0, customer, event

ROLES = (
    "visit view search cart checkout login feature_use complaint inquiry refund contact_made contact_opened "
    "contact_clicked unsubscribe payment_failed coupon_denied order_cancelled return undelivered delivery_late "
    "uninstalled delivered ticket_opened ticket_solved ticket_reopened csat nps ces review subscription_start "
    "subscription_renew subscription_pause subscription_cancel purchase purchase purchase"
).split()
KINDS = ("price", "delivery", "product", "late", "discount")
SURVEYS = ("csat", "nps", "ces", "review")


def somebody(chance: random.Random) -> Profile:
    """A customer with a few events of any roles and kinds; sometimes nobody."""
    history = []
    for role in chance.choices(ROLES, k=chance.choice((0, 1, 4, 80))):
        facts: dict[str, object] = {"rating": float(chance.randint(0, 10))} if role in SURVEYS else {}
        if chance.random() < 0.6:
            facts["properties"] = {"of": [chance.choice(KINDS)]}
        if role.startswith(("ticket", "subscription", "feature")):
            facts["subject"] = chance.choice("ab")
        history.append(event(role, chance.uniform(-300, 40), amount=chance.randint(0, 9000), **facts))
    profile = customer(*history, limits=KINDS_COUNT)
    if chance.random() < 0.3:
        profile.purchases.mix = {"Food": chance.randint(1, 4), "Books": 1}
    return profile


PEOPLE = [somebody(random.Random(seed)) for seed in range(120)]
AT = np.array([T0 + (41 + k % 90) * DAY for k in range(len(PEOPLE))])


def plainly(figure: Figure, profile: Profile) -> tuple[float, float]:
    """What a figure is of a profile, and since when, by its declaration alone."""
    value = time = 0.0
    match figure.source:
        case OfRole(role, which):
            tally = profile.roles.get(role) or profile.narrowed.get(role)
            if tally is not None:
                value, time = tally.decayed[which], tally.last
        case OfAnswer(kind, say):
            opinion = profile.opinions.get(kind)
            if opinion is not None:
                value, time = say(opinion), opinion.time
        case OfPart(part, field, since):
            held = part(profile, "EUR")
            if held is not None:
                value, time = held[field], held[since] if since is not None else 0.0
    value = min(max(value, figure.tidy.low), figure.tidy.high)
    return (float(figure.tidy.scale(value)) if figure.tidy.scale is not None else value), time


def test_every_figure_is_what_its_declaration_says() -> None:
    rows = raws(PEOPLE, "EUR")

    assert rows.shape == (len(PEOPLE), RAW)
    for figure in (*FADES, *STAYS):
        for row, profile in zip(rows, PEOPLE, strict=True):
            value, time = plainly(figure, profile)
            assert row[PLACE[figure.name]] == value, figure.name
            if figure.half_life is not None:
                assert row[TIME[figure.name]] == time, figure.name
        assert rows[:, PLACE[figure.name]].any(), f"nobody here has {figure.name}"


def test_what_fades_is_held_or_adds_up_comes_to_what_each_does_alone() -> None:
    ahead = np.arange(4) * 4 * WEEK
    rows = raws(PEOPLE, "EUR")
    features = rolled(rows, AT, ahead)

    def faded(figure: Figure) -> np.ndarray:
        value, since = rows[:, PLACE[figure.name]], rows[:, TIME[figure.name]]
        age = np.minimum(np.maximum((AT - since) / WEEK, 0.0), 5200.0)
        rate = -WEEK / (figure.half_life or 1.0)
        return (value * np.exp2(age * rate)) * np.exp2(ahead / WEEK * rate)[:, None]

    def counts(figures: tuple[Figure, ...]) -> np.ndarray:
        total = np.zeros((len(ahead), len(PEOPLE)))
        for figure in figures:
            total += faded(figure) ** 2
        return total

    for row in TABLE:
        match row.path:
            case Fading(figure):
                plain = faded(figure)
            case Held(figure):
                plain = np.broadcast_to(rows[:, PLACE[figure.name]], (len(ahead), len(PEOPLE)))
            case Together(figures, besides) if besides:
                rest = counts(figures) - counts(besides)
                plain = np.sqrt(np.where(rest > 1e-9, rest, 0.0))
            case Together(figures):
                plain = np.sqrt(counts(figures))
            case _:
                continue
        if row.group in ("visits", "use", "shopping"):
            plain = plain + (plain[:1] - plain) * np.exp2(-ahead / ENGAGED)[:, None]
        np.testing.assert_array_equal(features[COLUMN[row.name]], plain, err_msg=row.name)


def test_what_is_said_of_a_customer_does_not_depend_on_who_else_is_asked_about() -> None:
    """Whom nobody in a batch shares a trace with is worked out in fewer steps, to the same bits."""
    ahead = np.arange(4) * 4 * WEEK
    together = rolled(raws(PEOPLE, "EUR"), AT, ahead)

    for k, profile in enumerate(PEOPLE):
        alone = rolled(raws([profile], "EUR"), AT[k : k + 1], ahead)
        np.testing.assert_array_equal(alone[:, :, 0], together[:, :, k])
