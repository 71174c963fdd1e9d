"""Contacts by week, and who is contacted by two departments in one."""

from __future__ import annotations

from analysis.running import run
from analysis.service.contact import CONTACT
from tests.analysed import archived, happened


def test_two_departments_in_one_week() -> None:
    def contact(customer: str, when: str, department: str | None) -> dict[str, object]:
        return happened(customer, "contact_made", when, department=department)

    events = [
        contact("a", "03-02", "sales"), contact("a", "03-04", "support"), contact("a", "03-05", "sales"),
        contact("b", "03-08", "sales"), contact("b", "03-09", "support"),  # Sunday and Monday
        contact("c", "03-03", None), contact("c", "03-03", "sales"),
    ]  # fmt: skip
    rows = run(CONTACT, archived(events, until="03-20"), CONTACT.parameters()).rows
    found = [(str(row["period"]), row["contacts"], row["customers"], row["double"], row["thrice"]) for row in rows]
    assert found == [("2026-03-02", 6, 3, 1, 1), ("2026-03-09", 1, 1, 0, 0)]
