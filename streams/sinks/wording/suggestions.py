"""What somebody may do about an alert, by the strongest reason of the risk that something can be done about.

A suggestion is where to begin, no promise: nobody has shown that what it says keeps a customer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from models.companies.words import PREFIX
from streams.sinks.messages import Alert, Reason

__all__ = ["SUGGESTIONS", "suggestion"]

_GET_IN_TOUCH: Final = "Get in touch"
_WIN_BACK: Final = "Win them back"

_BY_FEATURES: Final = {
    "See to what they asked of the support": (
        "open_tickets", "oldest_open", "overdue", "ticket_opened_8w", "ticket_reopened_8w", "reopened_share",
        "resolution", "last_resolution", "support_trouble_2w", f"{PREFIX}trouble",
    ),
    "Make good what they complained about": ("complaint_8w", "product_complaints_8w"),
    "Make good the delivery that went wrong": (
        "delivery_complaints_8w", "delivery_trouble_8w", "delivery_trouble_2w",
    ),
    "Talk with them about the price": (
        "price_complaints_8w", "price_trouble_2w", "price_rise", "coupon_denied_8w", "discount_share",
        "discount_habit", f"{PREFIX}dearer",
    ),
    "Help them to pay: a payment was refused": ("payment_failed_8w", f"{PREFIX}overdue"),
    "Ask what was wrong with the order": ("return_8w", "refund_8w", "refund_share", "order_cancelled_8w"),
    "Answer the bad rating, and ask about it": (
        "low_csat", "low_nps", "low_ces", "low_review", "csat_drop", "nps_drop", f"{PREFIX}unhappy",
    ),
    "Ask why the subscription is paused or over": ("cancelled", "paused", f"{PREFIX}paused"),
    "Reach them in another way: they left the app or our messages": ("uninstalled_8w", "unsubscribe_8w"),
    "Remind them of the cart": ("cart_left",),
    "Ask what they miss: they use it less than before": (
        "visit_decline", "login_decline", "use_decline", "visits_missed", "logins_missed", "uses_missed",
        "breadth_fall", f"{PREFIX}fall", f"{PREFIX}silent",
    ),
    "Find who speaks for us there from now on": (f"{PREFIX}champion_gone",),
    "Talk with them about the next contract": (f"{PREFIX}ends",),
}  # fmt: skip

_OF: Final = {feature: text for text, features in _BY_FEATURES.items() for feature in features}

SUGGESTIONS: Final = (*_BY_FEATURES, _GET_IN_TOUCH, _WIN_BACK)
"""All that is suggested, in English."""


def suggestion(alert: Alert) -> str | None:
    """In English; None where there is nothing to do: it has ended, or the customer does not want to be reached."""
    if alert.state in ("resolved", "cleared") or alert.customer.consent.outreach == "denied":
        return None
    if alert.customer.stage == "churned":
        return _WIN_BACK
    return next((text for reason in _raising(alert.reasons or ()) if (text := _OF.get(reason.feature))), _GET_IN_TOUCH)


def _raising(reasons: Sequence[Reason]) -> list[Reason]:
    """Those that raise the risk, the strongest first."""
    return sorted((one for one in reasons if one.effect == "raises"), key=lambda one: -one.contribution)
