"""Words that the server's answers hold and pages show in the viewer's language, though no template spells them."""

from __future__ import annotations

from console.access.scopes import SCOPES
from console.views.operating.audit import ACTIONS

__all__ = ["WORDS"]

WORDS = (
    # roles
    "agent", "analyst", "operator", "admin",
    # bands, of risks and of health
    "low", "medium", "high", "green", "amber", "red",
    # stages of a customer's life
    "prospect", "new", "active", "loyal", "at risk", "churned", "won back",
    # states of tickets, subscriptions, alerts; answers about consent, and who gave them
    "open", "solved", "ended", "acknowledged", "resolved", "cleared", "granted", "denied",
    "customer", "claimed", "default",
    # of what an event tells
    "yes", "no",
    # how often a subscription is paid
    "day", "week", "month", "quarter", "year",
    # what analyses may be asked, and figures broken down by
    "since", "until", "interval", "by", "category", "channel", "campaign", "country", "region", "segment", "company",
    "device", "source", "plan", "stage", "role", "days", "start", "back", "mode", "ages",
    # severities
    "info", "warning", "critical",
    # sources, purposes and identities as most plans name them
    "web", "app", "support", "purchase", "product", "server", "billing", "helpdesk",
    "analytics", "profiling", "outreach",
    "user id", "email", "phone", "anonymous id", "device id", "loyalty number",
    # parts of a company's health
    "use", "breadth", "seats", "outcome", "sentiment", "relationship", "payment",
    # segments that every plan has
    "champions", "loyal customers", "lapsing loyal", "potential loyalists", "need attention", "hibernating",
    "new one timers", "cooling one timers", "lost one timers", "top value", "anonymous visitor", "subscriber",
    "new customer", "one time buyer", "repeat buyer", "big spender", "valuable", "lapsing", "silent subscriber",
    # what the learner counts
    "records", "summaries", "short", "full", "hindsight", "treated", "skipped",
    # what became of a message to a sink
    "due", "trying", "again", "delivered", "dead", "dropped",
    # how somebody signed in
    "password", "link", "oidc", "proxy",
    # what became of a button in another tool
    "Done.", "The case is over already.", "You may not decide this here.",
    "This was shown over an hour ago; look again before you decide.",
    # what somebody may do, and did
    *SCOPES.values(), *ACTIONS.values(),
)  # fmt: skip
"""As the filters `label` and `_` look them up: with spaces, not underscores."""
