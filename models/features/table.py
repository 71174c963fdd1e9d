"""Every feature by name: one row with what it says, in what unit, how it is read and moves with time, and the sentence
that tells it as a reason.

A feature is added as a row at the end. What it needs beyond the figures there are, it reads by a `Figure`; what it
computes is a function in `formulas`. `reading` and `matrix` follow from the rows.
"""

from __future__ import annotations

from hashlib import blake2b
from itertools import takewhile

import numpy as np

from models.durations import DAY, WEEK
from models.features import formulas, readers, sentences
from models.features.feature import (
    Age,
    Alike,
    Fading,
    FadingOrders,
    Feature,
    Figure,
    Formula,
    Held,
    OfAnswer,
    OfOrders,
    OfPart,
    OfRole,
    Say,
    Tidy,
    Together,
    as_it_is,
    log_of,
    points,
    root_of,
    within,
)
from models.features.kinds import KINDS, part_of
from models.features.seasons import season_due, season_missed, season_silence
from profiles.types import HALF_LIVES, ORDER_HALF_LIVES, SPEND_HALF_LIVES

__all__ = ["COLUMN", "NAMES", "ORDERED", "SCHEMA", "TABLE", "WEIGHED"]

_ROLES_OF_SUPPORT = ("ticket_opened", "ticket_reopened", "complaint")
_OPINION = 8 * WEEK  # half-life of what an answer to a survey says, seconds
_FAST, _SLOW = range(len(HALF_LIVES))


def _in_weeks(seconds: float) -> str:
    return f"{seconds / WEEK:.0f}"


def _root(role: str, which: int, name: str = "") -> Figure:
    """The root of a decayed count, which fades half as fast."""
    half_life = HALF_LIVES[which]
    return Figure(f"{name or role}_{_in_weeks(half_life)}w", OfRole(role, which), root_of, 2 * half_life)


def _of_kinds(role: str, *kinds: str) -> tuple[Figure, ...]:
    return tuple(_root(part_of(role, kind), _SLOW) for kind in kinds)


def _of_rest(role: str, noun: str, kinds: tuple[Figure, ...], group: str, say: Say) -> Feature:
    """What is of a role and of none of its kinds, which are features of other groups."""
    every = _root(role, _SLOW, f"every_{role}")
    name = f"{role}_{_in_weeks(HALF_LIVES[_SLOW])}w"
    meaning = f"{noun} of no kind below, each halving in worth every {_in_weeks(HALF_LIVES[_SLOW])} weeks"
    return Feature(name, group, "√events", meaning, Together((every,), kinds), say)


def _of_role(role: str, which: int, group: str, say: Say) -> Feature:
    figure = _root(role, which)
    meaning = f"events of role `{role}`, each halving in worth every {_in_weeks(HALF_LIVES[which])} weeks"
    return Feature(figure.name, group, "√events", meaning, Fading(figure), say)


_LOW_CSAT = Figure("low_csat", OfAnswer("csat", lambda held: 3.0 - held.last), points, _OPINION)
_LOW_NPS = Figure("low_nps", OfAnswer("nps", lambda held: 7.0 - held.last), points, _OPINION)
_CSAT_DROP = Figure("csat_drop", OfAnswer("csat", readers.drop), points, _OPINION)
_NPS_DROP = Figure("nps_drop", OfAnswer("nps", readers.drop), points, _OPINION)
_LOW_REVIEW = Figure("low_review", OfAnswer("review", lambda held: 3.0 - held.last), points, _OPINION)
_OPEN = Figure("open_tickets", OfPart(readers.tickets, 0), within(5.0))
_OPEN_SINCE = Figure("open_since", OfPart(readers.tickets, 1), as_it_is)
_RESOLUTION = Figure("resolution", OfPart(readers.tickets, 2), log_of)
_SUBSCRIBED = Figure("subscribed", OfPart(readers.subscription, 0), as_it_is)
_CANCELLED = Figure("cancelled", OfPart(readers.subscription, 1), as_it_is)
_SUBSCRIBED_SINCE = Figure("subscribed_since", OfPart(readers.subscription, 2), as_it_is)
_REFUND_SHARE = Figure("refund_share", OfPart(readers.refunds, 0), within(2.0))
_LAST_RESOLUTION = Figure("last_resolution", OfPart(readers.tickets, 4, 5), log_of, 8 * WEEK)
_REOPENED = Figure("reopened_share", OfPart(readers.tickets, 3), as_it_is)
_PAUSED = Figure("paused", OfPart(readers.subscription, 3), as_it_is)
_PRICE_RISE = Figure("price_rise", OfPart(readers.subscription, 4, 5), Tidy(-1.0, 2.0), 8 * WEEK)
_DISCOUNT_HABIT = Figure("discount_habit", OfPart(readers.discounts, 0), within(1.0))
_DISCOUNTED = Figure("discounted", OfPart(readers.discounts, 1), as_it_is)
_BREADTH = Figure("breadth", OfPart(readers.used, 0, 2), within(16.0), readers.USED)
_BREADTH_FALL = Figure("breadth_fall", OfPart(readers.used, 1), within(1.0))
_LOW_CES = Figure("low_ces", OfAnswer("ces", lambda held: 5.0 - held.last), points, _OPINION)
_COMPLAINTS, _TICKETS, _RETURNS = (_of_kinds(role, *KINDS[role]) for role in ("complaint", "ticket_opened", "return"))
_DELIVERIES = (
    _root("delivery_late", _SLOW), _root("undelivered", _SLOW),
    *_of_kinds("delivered", "late"), *_RETURNS,
)  # fmt: skip
_PRICE = (part_of("complaint", "price"), part_of("ticket_opened", "price"), "coupon_denied")
_DELIVERY = (
    part_of("complaint", "delivery"), part_of("ticket_opened", "delivery"), "delivery_late", "undelivered",
    part_of("delivered", "late"), part_of("return", "delivery"),
)  # fmt: skip
_PRICE_LATELY, _DELIVERY_LATELY = (tuple(_root(part, _FAST) for part in parts) for parts in (_PRICE, _DELIVERY))
_SUPPORT_LATELY = tuple(_root(role, _FAST, f"every_{role}") for role in _ROLES_OF_SUPPORT)
_ELSEWHERE_LATELY = tuple(
    _root(part_of(role, kind), _FAST) for role in _ROLES_OF_SUPPORT for kind in KINDS.get(role, ())
)
_DISCOUNTS = _of_kinds("purchase", "discount")
_CARTS, _CONTACTS = _root("cart", _SLOW), _root("contact_made", _SLOW)
_CATEGORIES = Figure("categories", OfPart(readers.mix, 0), within(16.0))
_CONCENTRATION = Figure("concentration", OfPart(readers.mix, 1), as_it_is)

_SILENCE, _TENURE, _HABIT, _SPEND = sentences.silence, sentences.tenure, sentences.habit, sentences.spend
_VISITED, _UNSEEN = sentences.pace("visit", "visit", "Visited"), sentences.unseen
_LOGGED_IN = sentences.pace("login", "login", "Logged in")
_USED = sentences.pace("feature_use", "use of the app", "Used the app")
_LAST = sentences.last

TABLE: tuple[Feature, ...] = (
    Feature("recency", "silence", "weeks", "time since the last order", OfOrders(lambda o: o.recency), _SILENCE),
    Feature("log_recency", "silence", "log(1 + weeks)", "time since the last order, compressed",
            OfOrders(lambda o: o.log_recency), _SILENCE),
    Feature("tenure", "tenure", "weeks", "time since the first order", OfOrders(lambda o: o.tenure), _TENURE),
    Feature("early", "tenure", "0 to 1", "1 at the first order, halving every 8 weeks",
            OfOrders(lambda o: o.has * np.exp2(-o.tenure / 8.0)), _TENURE),
    Feature("orders", "habit", "occasions", "orders ever; those within 12 hours of each other count once",
            OfOrders(lambda o: o.n), _HABIT),
    Feature("log_orders", "habit", "log(occasions)", "orders ever, compressed", OfOrders(lambda o: o.log_n), _HABIT),
    Feature("recency_share", "silence", "share", "recency as a share of tenure + 1 week",
            OfOrders(lambda o: o.recency / (o.tenure + 1.0)), _SILENCE),
    Feature("usual_gap", "habit", "weeks", "mean gap between orders, with a prior of two gaps of ten weeks",
            OfOrders(lambda o: o.gap * o.has), _HABIT),
    Feature("gap_ratio", "silence", "usual gaps", "recency in units of the usual gap",
            OfOrders(lambda o: o.ratio), _SILENCE),
    Feature("log_gap_ratio", "silence", "log(1 + usual gaps)", "recency in units of the usual gap, compressed",
            OfOrders(lambda o: np.log(1.0 + o.ratio)), _SILENCE),
    Feature("last_gap", "habit", "weeks", "gap between the last two occasions, 0 for one order",
            OfOrders(lambda o: o.last_gap), _HABIT),
    Feature("gap_spread", "habit", "usual gaps", "standard deviation of the gaps, in usual gaps; 0 below two gaps",
            OfOrders(lambda o: o.spread / np.maximum(o.gap, 0.1)), _HABIT),
    Feature("mean_order", "spend", "100 minor units", "revenue per occasion",
            OfOrders(lambda o: o.revenue / o.some), _SPEND),
    Feature("log_revenue", "spend", "log(1 + 100 minor units)", "revenue ever",
            OfOrders(lambda o: np.log(1.0 + o.revenue)), _SPEND),
    Feature("last_order", "spend", "100 minor units", "amount of the last order",
            OfOrders(lambda o: o.last_amount), _SPEND),
    Feature("mean_items", "spend", "items", "items per occasion",
            OfOrders(lambda o: o.items / o.some), sentences.items),
    Feature("order_rate", "habit", "orders a week", "(repeat orders + ½) / (tenure + 10 weeks)",
            OfOrders(lambda o: (o.some - 1.0 + 0.5) * o.has / (o.tenure + 10.0)), _HABIT),
    Feature("one_order", "habit", "0 or 1", "there was one occasion only",
            OfOrders(lambda o: (o.n == 1.0) * 1.0), _HABIT),
    Feature("recency_x_orders", "silence", "", "log_recency × log_orders",
            OfOrders(lambda o: o.log_recency * o.log_n), _SILENCE),
    Feature("basket_trend", "spend", "log-ratio", "mean amount of the latest 3 orders / of those before; 0 below 5",
            OfOrders(lambda o: o.basket), sentences.basket),
    Feature("season_due", "season", "0 to 1", "how near the beginning of the customer's next season is",
            OfOrders(season_due), sentences.season),
    Feature("season_silence", "season", "log(1 + weeks)", "silence until the customer's next season is overdue",
            OfOrders(season_silence), sentences.season),
    Feature("season_missed", "season", "seasons", "seasons of the customer that went by without an order, at most 4",
            OfOrders(season_missed), sentences.season),
    *(
        Feature(f"orders_{_in_weeks(half_life)}w", group, "orders",
                f"orders, each halving in worth every {_in_weeks(half_life)} weeks", FadingOrders(half_life), say)
        for half_life in ORDER_HALF_LIVES
        for group, say in [("silence", _SILENCE) if half_life <= 8 * WEEK else ("habit", _HABIT)]
    ),
    *(
        Feature(f"spend_{_in_weeks(half_life)}w", "spend", "log(1 + 100 minor units)",
                f"revenue, halving in worth every {_in_weeks(half_life)} weeks", FadingOrders(half_life, log=True),
                _SPEND)
        for half_life in SPEND_HALF_LIVES
    ),
    _of_role("visit", _FAST, "visits", _VISITED),
    _of_role("visit", _SLOW, "visits", _VISITED),
    _of_role("view", _SLOW, "shopping", _LAST("view", "product viewed")),
    _of_role("search", _SLOW, "shopping", _LAST("search", "search")),
    _of_role("cart", _FAST, "shopping", _LAST("cart", "cart")),
    _of_role("checkout", _FAST, "shopping", _LAST("checkout", "checkout")),
    _of_role("login", _FAST, "use", _LOGGED_IN),
    _of_role("login", _SLOW, "use", _LOGGED_IN),
    _of_role("feature_use", _FAST, "use", _USED),
    _of_role("feature_use", _SLOW, "use", _USED),
    _of_role("ticket_reopened", _SLOW, "support", sentences.tickets("reopened")),
    _of_role("inquiry", _SLOW, "support", sentences.lately("inquiry", "inquiry")),
    _of_role("refund", _SLOW, "returns", sentences.lately("refund", "refund")),
    _of_role("contact_clicked", _SLOW, "contact", _LAST("contact_clicked", "click in our messages")),
    _of_role("unsubscribe", _SLOW, "contact", sentences.unsubscribed),
    Feature("low_csat", "opinion", "points", "3 − the last CSAT answer, halving every 8 weeks; 0 without one",
            Fading(_LOW_CSAT), sentences.answer("csat")),
    Feature("low_nps", "opinion", "points", "7 − the last NPS answer, halving every 8 weeks; 0 without one",
            Fading(_LOW_NPS), sentences.answer("nps")),
    Feature("open_tickets", "support", "tickets", "tickets opened or reopened and not solved, at most 5",
            Held(_OPEN), sentences.waiting),
    Feature("subscribed", "subscription", "0 or 1", "the last subscription event was a start",
            Held(_SUBSCRIBED), sentences.subscription),
    Feature("cancelled", "subscription", "0 or 1", "the last subscription event was a cancellation",
            Held(_CANCELLED), sentences.subscription),
    _of_rest("ticket_opened", "tickets", _TICKETS, "support", sentences.tickets("opened")),
    _of_rest("complaint", "complaints", _COMPLAINTS, "support", sentences.lately("complaint", "complaint")),
    *(
        Feature(f"{about}_complaints_8w", about, "√events",
                f"complaints and tickets about {words}, each halving in worth every 8 weeks",
                Together(_of_kinds("complaint", about) + _of_kinds("ticket_opened", about)),
                sentences.told(part_of("complaint", about), part_of("ticket_opened", about),
                               noun=f"complaint about {words}"))
        for about, words in (("price", "the price"), ("delivery", "the delivery"), ("product", "the product"))
    ),
    Feature("delivery_trouble_8w", "delivery", "√events",
            "deliveries that were late or failed and returns for it, each halving in worth every 8 weeks",
            Together(_DELIVERIES),
            sentences.told("delivery_late", "undelivered", part_of("delivered", "late"), part_of("return", "delivery"),
                           noun="delivery late or failed")),
    Feature("price_trouble_2w", "price", "√events", "complaints of prices and coupons refused, halving every 2 weeks",
            Together(_PRICE_LATELY),
            sentences.told(*_PRICE, noun="case of trouble with a price or coupon")),
    Feature("delivery_trouble_2w", "delivery", "√events", "the same of deliveries, complaints included, every 2 weeks",
            Together(_DELIVERY_LATELY),
            sentences.told(*_DELIVERY, noun="case of trouble with a delivery")),
    Feature("support_trouble_2w", "support", "√events",
            "tickets and complaints of no kind above and reopened tickets, each halving in worth every 2 weeks",
            Together(_SUPPORT_LATELY, besides=_ELSEWHERE_LATELY),
            sentences.told("ticket_opened", "ticket_reopened", "complaint", noun="case for the support")),
    _of_rest("return", "returns asked for", _RETURNS, "returns", sentences.lately("return", "return", "asked for")),
    _of_role("order_cancelled", _SLOW, "delivery", sentences.lately("order_cancelled", "order", "cancelled")),
    Feature("discount_share", "price", "share", "orders with a discount / (orders + ½), all halving every 8 weeks",
            Formula(formulas.discount_share, _DISCOUNTS, only=_DISCOUNTS),
            sentences.discounts),
    Feature("discount_habit", "price", "share", "orders with a discount / orders, ever",
            Held(_DISCOUNT_HABIT), sentences.discounts),
    Feature("log_discounted", "price", "log(1 + weeks)", "time since the last order with a discount",
            Age(_DISCOUNTED, WEEK), sentences.discounts),
    _of_role("coupon_denied", _SLOW, "price", sentences.lately("coupon_denied", "coupon", "refused")),
    Feature("price_rise", "price", "share", "rise of a subscription's price, halving every 8 weeks after the change",
            Fading(_PRICE_RISE), sentences.dearer),
    _of_role("uninstalled", _SLOW, "use", sentences.last("uninstalled", "removal of the app")),
    Feature("breadth", "use", "features", "features of the product used, each halving in worth every 4 weeks",
            Fading(_BREADTH), sentences.breadth),
    Feature("breadth_fall", "use", "share", "1 − features used, halving every 4 weeks / every 12, at the latest use",
            Held(_BREADTH_FALL), sentences.breadth),
    Feature("paused", "subscription", "0 or 1", "a subscription that lasts is paused",
            Held(_PAUSED), sentences.paused),
    Feature("low_ces", "opinion", "points", "5 − the last CES answer, halving every 8 weeks; 0 without one",
            Fading(_LOW_CES), sentences.answer("ces")),
    Feature("reopened_share", "support", "share", "of the latest tickets, those that were reopened",
            Held(_REOPENED), sentences.reopened),
    _of_role("contact_made", _SLOW, "contact", sentences.lately("contact_made", "message", "sent by us")),
    _of_role("payment_failed", _SLOW, "payments", sentences.lately("payment_failed", "payment", "refused")),
    Feature("csat_drop", "opinion", "points", "mean − last CSAT answer, halving every 8 weeks",
            Fading(_CSAT_DROP), sentences.answer("csat", usual=True)),
    Feature("nps_drop", "opinion", "points", "mean − last NPS answer, halving every 8 weeks",
            Fading(_NPS_DROP), sentences.answer("nps", usual=True)),
    Feature("low_review", "product", "points", "3 − the last rating of a review, halving every 8 weeks; 0 without one",
            Fading(_LOW_REVIEW), sentences.answer("review")),
    Feature("contact_answered", "contact", "share", "opened or clicked / (messages + 1), all halving every 8 weeks",
            Formula(formulas.contact_answered, (_root("contact_opened", _SLOW),), only=(_CONTACTS,)),
            sentences.contact_answered),
    Feature("cart_share", "shopping", "share", "carts / (carts + orders + 1), all halving every 8 weeks",
            Formula(formulas.cart_share, (_CARTS,), only=(_CARTS,)), sentences.cart),
    Feature("cart_left", "shopping", "0 to 1", "1 if no order followed the last cart, halving every 2 weeks",
            Formula(formulas.cart_left, only=(_CARTS,)), sentences.cart),
    Feature("visit_decline", "visits", "share", "1 − rate of visits by 2 weeks' half-life / by 8 weeks', at least −1",
            Alike(formulas.decline, "visit"), _VISITED),
    Feature("login_decline", "use", "share", "1 − rate of logins by 2 weeks' half-life / by 8 weeks', at least −1",
            Alike(formulas.decline, "login"), _LOGGED_IN),
    Feature("use_decline", "use", "share", "1 − rate of uses by 2 weeks' half-life / by 8 weeks', at least −1",
            Alike(formulas.decline, "feature_use"), _USED),
    Feature("resolution", "support", "log(1 + days)", "mean time from opening to solving of the latest tickets",
            Held(_RESOLUTION), sentences.resolution),
    Feature("last_resolution", "support", "log(1 + days)", "time to solve the latest ticket, halving every 8 weeks",
            Fading(_LAST_RESOLUTION), sentences.solved),
    Feature("oldest_open", "support", "log(1 + days)", "how long the oldest open ticket has been open",
            Age(_OPEN_SINCE, DAY), sentences.waiting),
    Feature("overdue", "support", "log-ratio", "oldest_open − resolution: how much longer than usual a ticket is open",
            Formula(formulas.overdue, (_OPEN_SINCE,), only=(_OPEN_SINCE,)), sentences.overdue),
    Feature("refund_share", "returns", "share", "refunds / revenue ever, at most 2",
            Held(_REFUND_SHARE), sentences.refunded),
    Feature("log_subscribed", "subscription", "log(1 + weeks)", "time since the subscription began, while it lasts",
            Age(_SUBSCRIBED_SINCE, WEEK), sentences.subscription),
    Feature("categories", "mix", "categories", "number of categories bought from, at most 16",
            Held(_CATEGORIES), sentences.mix),
    Feature("concentration", "mix", "share", "Σ (share of a category in the orders)²; 0 without categories",
            Held(_CONCENTRATION), sentences.mix),
    Feature("visits_missed", "visits", "log(1 + visits)", "visits missed since the last, at the rate until then",
            Alike(formulas.missed, "visit"), _VISITED),
    Feature("logins_missed", "use", "log(1 + logins)", "logins missed since the last, at the rate until then",
            Alike(formulas.missed, "login"), _LOGGED_IN),
    Feature("uses_missed", "use", "log(1 + events)", "uses of features missed since the last, at the rate until then",
            Alike(formulas.missed, "feature_use"), _USED),
    Feature("log_unseen", "visits", "log(1 + weeks)", "time since the last visit, view, cart, login, use or order",
            Formula(formulas.log_unseen), _UNSEEN),
    Feature("unseen_share", "visits", "share", "time since anything was seen of them, as a share of recency + 1 week",
            Formula(formulas.unseen_share), _UNSEEN),
)  # fmt: skip
"""Every feature in order; `docs/models.md` shows this table."""

NAMES: tuple[str, ...] = tuple(feature.name for feature in TABLE)
"""The names of the columns of `matrix`."""

WEIGHED: tuple[str, ...] = tuple(name for name in NAMES if name != "tenure")
"""What learned models weigh. In a growing shop the time since the first order is a clock, and no cause: who has been a
customer for long is no more at risk for it. BG/NBD sees it, as the time in which there were so many orders."""

COLUMN: dict[str, int] = {name: j for j, name in enumerate(NAMES)}

ORDERED = len(list(takewhile(lambda feature: isinstance(feature.path, (OfOrders, FadingOrders)), TABLE)))
"""So many features, the first ones, are decided by orders and time alone."""

_VERSION = 2  # raise when a definition changes and no name does
SCHEMA: str = blake2b(f"{_VERSION}\0{','.join(NAMES)}".encode(), digest_size=4).hexdigest()
"""Eight hex digits that stand for the definitions; examples of another schema are never learned."""
