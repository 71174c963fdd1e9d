"""Audiences in a plan: what cannot be meant, what is warned of, what changes, and how the page tells of them."""

from __future__ import annotations

import pytest

from plan import PlanError, diff_plans
from plan.docs import render_markdown


def audiences(told):
    """A change of the small plan that gives it these, and an identity that is hashed."""
    return "segments:\n", f"audiences: {told}\nsegments:\n"


EMAIL = (
    "identities:\n",
    "identities:\n  - {type: email, priority: 3, fields: [traits.email], pii: email}\n",
)


@pytest.mark.parametrize(
    ("told", "problem"),
    [
        ("{segments: []}", "audiences.segments: tuple should have at least 1 item"),
        ("{segments: [duch]}", "audiences.segments[0]: there is no segment 'duch'; did you mean 'dutch'?"),
        ("{segments: [dutch, dutch]}", "audiences.segments[1]: segment 'dutch' is named twice"),
        ("{segments: [dutch], identities: {mail: plain}}", "audiences.identities.mail: there is no identity 'mail'"),
        ("{segments: [dutch], identities: {email: sha256}}", "audiences.identities.email: 'email' is held as a keyed"),
        ("{segments: [dutch], identities: {email: md5}}", "audiences.identities.email: input should be 'plain' or"),
        ("{segments: [dutch], traits: {age: plain}}", "audiences.traits.age: there is no trait 'age'"),
        ("{segments: [dutch], every: 1s}", "audiences.every: input should be greater than or equal to 10"),
        ("{segments: [dutch], folder: s3://b}", "audiences.folder: is not a known key"),
    ],
)
def test_what_cannot_be_meant_is_told_with_its_place(plan_of, told, problem):
    with pytest.raises(PlanError) as error:
        plan_of(audiences(told), EMAIL)

    assert problem in str(error.value)


def test_companies_are_in_no_table(plan_of):
    with pytest.raises(PlanError, match="is about companies, which are written to no table"):
        plan_of(
            ("version: 1\n", "version: 1\ngroups:\n  company: {}\naudiences: {segments: [big]}\n"),
            (
                "segments:\n",
                "segments:\n  - {name: big, grain: company, when: {company: active_members, at_least: 3}}\n",
            ),
        )


def test_personal_data_that_leave_as_they_are_are_warned_of(plan_of):
    plain = plan_of(
        audiences("{segments: [dutch], identities: {user_id: plain}, traits: {email: plain, country: plain}}")
    )
    hashed = plan_of(audiences("{segments: [dutch], identities: {email: plain}, traits: {email: sha256}}"), EMAIL)

    assert [str(each).partition(": ")[2] for each in plain.warnings if "audiences" in str(each)] == [
        "audiences.traits.email: personal data (pii: email) leave as they are"
    ]
    assert not [each for each in hashed.warnings if "audiences" in str(each)]


def test_what_leaves_no_more_breaks_who_reads_it(plan_of):
    old = plan_of(audiences("{segments: [dutch], traits: {country: plain, email: sha256}}"))
    new = plan_of(
        audiences("{segments: [champions], identities: {user_id: plain}, traits: {email: sha256}, every: 1h}")
    )

    changes = {(change.path, change.breaking) for change in diff_plans(old, new) if "audiences" in change.path}

    assert changes == {
        ("audiences.segments", True),
        ("audiences.segments", False),
        ("audiences.traits.country", True),
        ("audiences.identities.user_id", False),
        ("audiences.every", False),
    }


def test_the_page_tells_what_leaves(plan_of):
    plan = plan_of(audiences("{segments: [dutch], identities: {user_id: plain}, traits: {email: sha256}}"))

    page = render_markdown(plan)

    assert "Who is in tables for other tools" in page
    assert "profile id, since when, `user_id`, trait `email` as SHA-256" in page
