"""All that is known of a customer is in the export."""

from __future__ import annotations

from console.views.privacy import export_view
from plan import load_plan
from tests import REPOSITORY
from tests.build import T0, customer, event

PLAN = load_plan(REPOSITORY / "tracking_plan.yaml", {})


def test_what_was_counted_is_told_also_when_its_events_are_gone() -> None:
    """The profile keeps it apart from any event."""
    profile = customer(
        event("purchase", 2, amount=500, subject="o1", category="Games"), event("payment", 1, subject="p1")
    )

    told = export_view(profile, [], "Kafka has deleted them", T0, PLAN).model_dump(mode="json")["counted"]

    assert [(row["role"], row["amount"] and row["amount"]["amount"], row["category"]) for row in told] == [
        ("payment", None, None),
        ("purchase", "5.00", "Games"),
    ]
