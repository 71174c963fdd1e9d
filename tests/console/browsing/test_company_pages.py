"""The pages of companies in a browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from tests.console.browsing.conftest import SignedIn
from tests.console.browsing.living import aside, living
from tests.console.test_companies import BUSINESS, NAME, stored, visit

pytestmark = pytest.mark.slow


def test_a_company_is_found_in_the_list_with_its_people_whatever_its_name_holds(chromium: Browser) -> None:
    members = [visit(f"m{number}", number, tier="<b>team", contract_ends="2026-01-20") for number in range(3)]
    with living(aside(lambda: stored(*members)), plan=BUSINESS) as console:
        page = chromium.new_page()
        page.goto(f"{console.url}/sign-in/{console.link('admin')}")
        page.get_by_role("button").click()
        page.get_by_role("link", name="Companies").click()
        page.get_by_role("link", name=NAME).click()
        expect(page.get_by_role("heading", name=NAME)).to_be_visible()
        expect(page.locator("main")).to_contain_text("3 members")
        expect(page.locator("main")).to_contain_text("<b>team")
        expect(page.get_by_role("region", name="Members").get_by_role("link")).to_have_count(3)
        page.set_viewport_size({"width": 390, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        page.get_by_role("region", name="Members").get_by_role("link").first.click()
        page.locator("main").get_by_text("Companies", exact=True).last.click()
        page.locator("#companies a").click()
        expect(page.get_by_role("heading", name=NAME)).to_be_visible()
        page.close()


def test_a_shop_has_no_companies_in_its_navigation(signed_in: SignedIn) -> None:
    page = signed_in("agent")
    expect(page.get_by_role("link", name="Segments")).to_be_visible()
    expect(page.get_by_role("link", name="Companies")).to_have_count(0)
    page.goto("/companies")
    expect(page.locator("main")).to_contain_text("No company yet")


def test_a_company_with_an_alert_is_where_people_look_for_who_is_at_risk(chromium: Browser) -> None:
    """They have no cases, and nobody would look for them among the companies that are well."""
    with living(aside(lambda: stored(visit("m", 0), alert="high_churn_risk")), plan=BUSINESS) as console:
        page = chromium.new_page()
        page.goto(f"{console.url}/sign-in/{console.link('agent')}")
        page.get_by_role("button").click()
        companies = page.get_by_role("region", name="Companies")
        expect(companies).to_contain_text("high churn risk")
        expect(page.locator("main")).to_contain_text("No customer needs anybody now")
        companies.get_by_role("link", name=NAME).click()
        expect(page.locator("#alerts")).to_contain_text("high churn risk")
        page.goto(f"{console.url}/?tab=acknowledged")
        expect(page.get_by_role("heading", name="At risk")).to_be_visible()
        expect(page.get_by_role("region", name="Companies")).to_have_count(0)
        page.close()
