"""The pages of companies in a browser."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, expect

from profiles.stores.access import Role
from streams.identity.erasure import Eraser
from streams.settings import Settings
from tests.console.browsing.conftest import SignedIn
from tests.console.browsing.living import aside, living
from tests.console.support_api import api_deps
from tests.console.test_companies import BUSINESS, NAME, Worker, stored, visit

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
        page.goto(f"{console.url}/search?q=wes")
        page.locator("main table").get_by_role("link", name=NAME).click()
        expect(page.get_by_role("heading", name=NAME)).to_be_visible()
        page.goto(f"{console.url}/search?q={quote(NAME)}")  # as a whole: straight there
        expect(page.get_by_role("heading", name=NAME)).to_be_visible()
        page.close()


def test_a_shop_has_no_companies_in_its_navigation(signed_in: SignedIn) -> None:
    page = signed_in("agent")
    expect(page.get_by_role("link", name="Segments")).to_be_visible()
    expect(page.get_by_role("link", name="Companies")).to_have_count(0)
    page.goto("/companies")
    expect(page.locator("main")).to_contain_text("No company yet")


def test_a_companys_case_is_decided_on_as_a_customers(chromium: Browser) -> None:
    """In the inbox and on its page: each sees what happens on the other without loading it again."""
    with living(aside(lambda: stored(visit("m", 0), alert="high_churn_risk")), plan=BUSINESS) as console:

        def enter(role: Role) -> Page:
            page = chromium.new_page()
            page.goto(f"{console.url}/sign-in/{console.link(role)}")
            page.get_by_role("button").click()
            return page

        inbox, company = enter("agent"), enter("admin")
        rows = inbox.locator("#cases tbody tr")
        expect(rows).to_contain_text("high churn risk")
        inbox.keyboard.press("j")
        inbox.keyboard.press("o")
        expect(inbox.get_by_role("heading", name=NAME)).to_be_visible()
        company.goto(inbox.url)
        inbox.goto(f"{console.url}/?grain=company")
        expect(company.locator("#case")).to_contain_text("high churn risk")
        company.locator("#case").get_by_role("button", name="Acknowledge").click()
        expect(company.locator("#decided")).to_contain_text("1 case acknowledged.")
        expect(company.locator("#case")).to_contain_text("acknowledged")
        expect(inbox.locator("#tabs")).to_contain_text("Acknowledged 1")
        inbox.goto(f"{console.url}/?tab=acknowledged&grain=company")
        inbox.keyboard.press("j")
        inbox.keyboard.press("r")
        inbox.locator("dialog#resolve").get_by_label("The customer stayed").check()
        inbox.locator("dialog#resolve").get_by_role("button", name="Resolve").click()
        expect(rows).to_have_count(0)
        expect(company.locator("#case")).to_contain_text("stayed")
        expect(company.locator("#case").get_by_role("button", name="Resolve")).to_have_count(0)
        company.set_viewport_size({"width": 390, "height": 844})
        assert company.evaluate("document.documentElement.scrollWidth") <= 390
        inbox.close()
        company.close()


def test_who_may_not_act_decides_nothing_on_a_companys_page(chromium: Browser) -> None:
    with living(aside(lambda: stored(visit("m", 0), alert="high_churn_risk")), plan=BUSINESS) as console:
        page = chromium.new_page()
        page.goto(f"{console.url}/sign-in/{console.link('analyst')}")
        page.get_by_role("button").click()
        page.goto(f"{console.url}/company/{quote(NAME, safe='')}")
        expect(page.locator("#case")).to_contain_text("high churn risk")
        assert page.locator("#case button, dialog:not(#keys)").count() == 0
        page.close()


def test_an_admin_erases_a_company_by_typing_its_name_and_nobody_else_can(chromium: Browser) -> None:
    """Its page says so, in the place of what was known; its people are still there, without it."""
    held = aside(lambda: stored(visit("m0", 0, tier="team"), visit("m1", 1, "bolt")))
    worker = Worker(held)
    eraser = Eraser(held, worker.links, cast(Any, worker), Settings(partitions=4), BUSINESS)
    desk = replace(api_deps(held, plan=BUSINESS).desk, eraser=eraser)
    with living(held, plan=BUSINESS, desk=desk) as console:
        others: tuple[Role, ...] = ("agent", "operator")
        for role in others:
            page = chromium.new_page()
            page.goto(f"{console.url}/sign-in/{console.link(role)}")
            page.get_by_role("button").click()
            page.goto(f"{console.url}/company/{BUSINESS.company(NAME)}")
            expect(page.get_by_role("heading", name=NAME)).to_be_visible()
            expect(page.get_by_text("Erase this company")).to_have_count(0)
            answer = page.request.post(f"{console.url}/company/{BUSINESS.company(NAME)}/erase", form={"typed": NAME})
            assert answer.status == 403
            page.close()
        page = chromium.new_page()
        page.goto(f"{console.url}/sign-in/{console.link('admin')}")
        page.get_by_role("button").click()
        page.goto(f"{console.url}/companies")
        page.get_by_role("link", name=NAME).click()
        other = chromium.new_page()
        other.goto(f"{console.url}/sign-in/{console.link('analyst')}")
        other.get_by_role("button").click()
        other.goto(page.url)
        expect(other.locator("#members a").first).to_be_visible()
        page.get_by_text("Erase this company").click()
        page.get_by_label("Type its name").fill("bolt")
        page.get_by_role("button", name="Erase for good").click()
        expect(page.locator("#erase")).to_contain_text("That is not its name")
        page.get_by_label("Type its name").fill(NAME)
        page.get_by_role("button", name="Erase for good").click()
        expect(page.locator("main")).to_contain_text("is erased. Its people stay")
        console.feed.wake()
        expect(other.locator("#head")).to_contain_text("no longer here")
        for each in (page, other):
            expect(each.locator("main")).not_to_contain_text("team")
            expect(each.locator("#members a")).to_have_count(0)
        other.close()
        page.goto(f"{console.url}/companies")
        expect(page.locator("main")).to_contain_text("bolt")
        expect(page.locator("main")).not_to_contain_text(NAME)
        page.goto(f"{console.url}/c/{BUSINESS.home(('user_id', 'm0'))}")
        expect(page.locator("#companies")).to_contain_text("None")
        page.close()
