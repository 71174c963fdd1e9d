"""What changed between two plans, and whether it breaks something."""

from __future__ import annotations

import pytest

from plan import diff_plans

EVENT = "  - {name: Login, sources: [web], owner: o, description: d, why: w}\n"


def test_the_same_plan_has_no_change(plan_of, shipped):
    """Also the big one."""
    assert diff_plans(plan_of(), plan_of()) == []
    assert diff_plans(shipped, shipped.file) == []


@pytest.mark.parametrize(
    ("old", "new", "path", "breaking"),
    [
        ("events:\n", f"events:\n{EVENT}", "events.Login", False),
        ("role: visit", "role: view", "events.page.role", True),
        ("sources: [web], owner", "sources: [web, purchase], owner", "events.page.sources", False),
        ("sources: [purchase]\n", "sources: [web]\n", "events.Order Completed.sources", True),
        ("role: purchase\n", "role: purchase\n    enforce: flag\n", "events.Order Completed.enforce", False),
        ("role: purchase\n", "role: purchase\n    extra: reject\n", "events.Order Completed.extra", True),
        ("      order_id:", "      new: {type: id, required: true, description: d}\n      order_id:",
         "events.Order Completed.properties.new", True),
        ("      order_id:", "      new: {type: id, description: d}\n      order_id:",
         "events.Order Completed.properties.new", False),
        ("order_id: {type: id, required: true,", "order_id: {type: id,",
         "events.Order Completed.properties.order_id", False),
        ("order_id: {type: id,", "order_id: {type: string,", "events.Order Completed.properties.order_id.type", True),
        ("revenue: {type: money, required: true, min: 0", "revenue: {type: money, required: true, min: 1",
         "events.Order Completed.properties.revenue.min", True),
        ("revenue: {type: money, required: true, min: 0", "revenue: {type: money, required: true, max: 9, min: 0",
         "events.Order Completed.properties.revenue.max", True),
        ("min: 0, description: Worth", "description: Worth", "events.Order Completed.properties.revenue.min", False),
        ("format: currency, ", "", "events.Order Completed.properties.currency.format", False),
        ("{amount: revenue, subject: order_id}", "{amount: revenue}", "events.Order Completed.facts", True),
        ("{amount: revenue, subject: order_id}", "{amount: revenue, subject: order_id, discount: revenue}",
         "events.Order Completed.facts", False),
        ("version: 1", "version: 1\ntimezone: Europe/Amsterdam", "timezone", True),
        ("version: 1", "version: 1\nweek_start: sunday", "week_start", True),
        ("version: 1", "version: 1\nanalyses: {smallest: 10}", "analyses.smallest", False),
        ("version: 1", "version: 1\nanalyses: {session_gap: 1h}", "analyses.session_gap", False),
        ("role: purchase", "role: purchase\n    kinds: {discount: {revenue: {below: 1}}}",
         "events.Order Completed.kinds", False),
        ("enum: [NL, BE]", "enum: [NL]", "traits.country.enum", True),
        ("enum: [NL, BE]", "enum: [NL, BE, DE]", "traits.country.enum", False),
        ("enum: [NL, BE], ", "", "traits.country.enum", False),
        ("  country: {type: string, enum: [NL, BE], description: Country}\n",
         "  country: {type: string, enum: [NL, BE], description: Country}\n  age: {type: integer, description: d}\n",
         "traits.age", False),
        ("priority: 2", "priority: 3", "identities.anonymous_id.priority", True),
        ("priority: 2", "priority: 2, limit: 10", "identities.anonymous_id.limit", True),
        ("priority: 2", "priority: 2, limit: 1000", "identities.anonymous_id.limit", False),
        ("priority: 2", "priority: 2, held: hashed", "identities.anonymous_id.held", True),
        ("version: 1", "version: 1\nregion: NL", "region", False),
        ("version: 1", "version: 1\nmost_identities: 10", "most_identities", True),
        ("version: 1", "version: 1\nmost_identities: 9999", "most_identities", False),
        ("[anonymousId, previousId]", "[anonymousId]", "identities.anonymous_id.fields", True),
        ("[userId]", "[userId, properties.order_id]", "identities.user_id.fields", False),
        ("pii: email, ", "", "traits.email.pii", False),
        ("key-of-web, public: false", "key-of-web, public: true", "sources.web.public", True),
        ("version: 1", "version: 1\nverify_user_ids: required", "verify_user_ids", True),
        ("priority: 2", "priority: 2, person: true", "identities.anonymous_id.person", True),
        ("write_key: key-of-web", "write_key: key-of-wob", "sources.web.write_key", True),
        ("write_key: key-of-web", "write_key: key-of-web, topic: t", "sources.web.topic", True),
        ("write_key: key-of-web", "write_key: key-of-web, enabled: false", "sources.web.enabled", True),
        ("version: 1", "version: 1\ncurrency: USD", "currency", True),
        ("version: 1", "version: 1\nenforce: flag", "enforce", False),
        ("version: 1", "version: 1\nunplanned: flag", "unplanned", False),
        ("version: 1", "version: 1\nnamespace: 7d9b7a3e-0000-4000-8000-000000000001", "namespace", True),
        ("version: 1", "version: 1\nblocked: [kiosk]", "blocked", True),
        ("version: 1", "version: 1\nchurn: {horizon: 8w}", "churn.horizon", True),
        ("version: 1", "version: 1\nchurn: {lateness: 2d}", "churn.lateness", False),
        ("is: NL", "is: BE", "segments.dutch.when", False),
        ("threshold: 0.8", "threshold: 0.9", "alerts.risk.threshold", False),
        ("  - {name: risk, threshold: 0.8, segment: dutch}", "  - {name: other, threshold: 0.8}", "alerts.risk", True),
        ("owner: o\n    description: d", "owner: p\n    description: d", "events.Order Completed.owner", False),
        ("description: Web site", "description: Site", "sources.web.description", False),
    ],
)  # fmt: skip
def test_each_kind_of_change_is_told_and_judged(plan_of, old, new, path, breaking):
    """Breaking: accepted events may be turned away, something is gone, or a name means something else."""
    changes = diff_plans(plan_of(), plan_of((old, new)))

    assert any(change.path == path and change.breaking is breaking for change in changes), changes
    assert any(change.breaking for change in changes) is breaking


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("label_horizon: 2w", "churn.label_horizon: 4w → 2w (discards all that was learned, "),
        ("horizon: 13w", "churn.horizon: 26w → 13w (discards what was learned from labels of the whole horizon, "),
    ],
)
def test_what_discards_what_was_learned_is_said_before(plan_of, key, said):
    """Weeks of labels: nobody should find out after the restart."""
    (change,) = diff_plans(plan_of(), plan_of(("version: 1", f"version: 1\nchurn: {{{key}}}")))

    assert str(change).startswith(said)
    assert change.breaking


def test_another_region_breaks_where_telephone_numbers_identify(plan_of):
    """Each national number becomes another identity."""
    phone = ("identities:\n", "identities:\n  - {type: phone, priority: 4, fields: [userId], pii: phone}\n")
    (change,) = diff_plans(plan_of(phone), plan_of(phone, ("version: 1", "version: 1\nregion: NL")))

    assert (change.path, change.breaking) == ("region", True)


def test_what_is_gone_breaks(plan_of):
    """An event, a segment and what named it."""
    with_login = plan_of(("events:\n", f"events:\n{EVENT}"))

    assert [str(c) for c in diff_plans(with_login, plan_of())] == ["events.Login: is gone"]
    assert diff_plans(with_login, plan_of())[0].breaking


def test_a_property_that_is_no_longer_described_breaks_only_where_extras_are_refused(plan_of):
    """With `extra: allow` its senders notice nothing."""
    currency = ("      currency: {type: string, format: currency, description: Currency}\n", "")
    strict = ("version: 1", "version: 1\nextra: reject")

    assert [c.breaking for c in diff_plans(plan_of(), plan_of(currency))] == [False]
    assert [c.breaking for c in diff_plans(plan_of(strict), plan_of(strict, currency))] == [True]


def test_narrowing_inside_lists_and_objects_is_seen(plan_of):
    """At any depth."""
    listed = EVENT.replace(
        "why: w}",
        "why: w, properties: {a: {type: array, description: d, items: {type: object, description: d, "
        "properties: {b: {type: id, description: d}}}}}}",
    )
    old = plan_of(("events:\n", f"events:\n{listed}"))
    new = plan_of(("events:\n", "events:\n" + listed.replace("type: id", "type: integer")))

    assert [(c.path, c.breaking) for c in diff_plans(old, new)] == [("events.Login.properties.a[].b.type", True)]
