"""Features that follow from others: each a function of the batch's sheet, as (steps, n) or what broadcasts to it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from models.durations import DAY, WEEK
from models.features.feature import Array
from models.features.orders import LAST, N
from models.features.sheet import Sheet
from profiles.types import HALF_LIVES

__all__ = [
    "SIGNS_OF_LIFE", "cart_left", "cart_share", "contact_answered", "decline", "discount_share", "log_unseen", "missed",
    "overdue", "unseen_share",
]  # fmt: skip

SIGNS_OF_LIFE = {
    "visit": "visit_8w", "view": "view_8w", "search": "search_8w", "cart": "cart_2w", "checkout": "checkout_2w",
    "login": "login_8w", "feature_use": "feature_use_8w",
}  # fmt: skip
"""The roles that show that a customer is there, with a figure of each."""


def decline(sheet: Sheet, roles: Sequence[str]) -> Array:
    """How much less often than before: the rate by the fast half-life against that by the slow one."""
    fast, slow = (sheet.several([f"{role}_{weeks}" for role in roles]) for weeks in ("2w", "8w"))
    never = slow == 0  # of whom the ratio is 1
    ratio: Array = ((2.0 * fast + never) / (slow + never)) ** 2  # at a steady rate fast is 1 to 2, as roots
    return 1.0 - np.minimum(ratio, 2.0)


def missed(sheet: Sheet, roles: Sequence[str]) -> Array:
    """How many of them would have come since the last, at the rate until then."""
    held, weeks = sheet.read([f"{role}_8w" for role in roles])
    per_week = held**2
    missed = (weeks[:, None] + sheet.later) * per_week[:, None]
    missed *= WEEK * math.log(2.0) / HALF_LIVES[1]
    return np.log1p(missed)


def _unseen(sheet: Sheet) -> Array:
    last = sheet.last(*SIGNS_OF_LIFE.values())
    unseen: Array = np.minimum(sheet.weeks_since(last) + sheet.later, sheet["recency"])
    unseen *= (last > 0) & (sheet.orders(N) > 0)
    return unseen


def log_unseen(sheet: Sheet) -> Array:
    """Of who ordered and was seen otherwise, too."""
    return np.log1p(sheet.once(_unseen))


def unseen_share(sheet: Sheet) -> Array:
    """The same as a share of recency."""
    return sheet.once(_unseen) / (sheet["recency"] + 1.0)


def discount_share(sheet: Sheet) -> Array:
    """Orders with a discount over orders."""
    discounted: Array = sheet.faded("purchase?:discount_8w") ** 2
    return np.minimum(discounted / (sheet["orders_8w"] + 0.5), 1.0)


def overdue(sheet: Sheet) -> Array:
    """How much longer than usual an open ticket has been open: both as log(1 + days), and a day is usual at least."""
    waiting = sheet.age(sheet.figure("open_since"), DAY)
    return np.maximum(waiting - np.maximum(sheet["resolution"], math.log(2.0)), 0.0)


def contact_answered(sheet: Sheet) -> Array:
    """Openings or clicks, whichever are more, over messages."""
    made, opened = sheet["contact_made_8w"] ** 2, sheet.faded("contact_opened_8w") ** 2
    answered = np.maximum(opened, sheet["contact_clicked_8w"] ** 2) * (sheet.figure("contact_made_8w") > 0)
    return np.minimum(answered / (made + 1.0), 1.0)


def cart_share(sheet: Sheet) -> Array:
    """Carts over carts and orders."""
    cart: Array = sheet.faded("cart_8w") ** 2
    return cart / (cart + sheet["orders_8w"] + 1.0)


def cart_left(sheet: Sheet) -> Array:
    """How fresh a cart is that no order followed."""
    last = sheet.last("cart_2w")
    fresh = np.where(last > sheet.orders(LAST), np.exp2(-sheet.weeks("cart_2w") / 2.0), 0.0)
    return fresh * np.exp2(-sheet.later / 2.0)
