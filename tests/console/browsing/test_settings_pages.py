"""Settings in a browser: one's own account, and for admins people, tokens and the audit log."""

from __future__ import annotations

import asyncio
import csv
import io

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from console.access.people import People
from tests.console.browsing.conftest import SignedIn
from tests.console.browsing.living import Living, aside
from tests.console.people import customer

pytestmark = pytest.mark.slow

PASSWORD = "correct horse battery"


def goes(page: Page, path: str) -> int:
    """The status of a page."""
    answer = page.goto(path)
    assert answer is not None
    return answer.status


def test_somebody_is_added_comes_in_once_gets_a_password_and_is_let_out(
    console: Living, chromium: Browser, signed_in: SignedIn
) -> None:
    admin = signed_in("admin")
    admin.goto("/")
    admin.locator(".menu summary").click()
    admin.get_by_role("link", name="Settings").click()
    admin.get_by_role("link", name="People").click()
    admin.get_by_label("Name", exact=True).fill("kim@example.com")
    admin.locator("form[action$='/add'] select").select_option("operator")
    admin.get_by_role("button", name="Add, and make a link").click()
    link = admin.get_by_label("Sign-in link").input_value()
    assert link.startswith(f"{console.url}/sign-in/")
    admin.reload()
    expect(admin.get_by_text("kim@example.com", exact=True)).to_be_visible()
    assert "/sign-in/" not in admin.content()

    kim = chromium.new_context(base_url=console.url).new_page()
    kim.goto(link)
    kim.get_by_role("button").click()
    kim.goto("/settings")
    kim.get_by_label("New password").fill(PASSWORD)
    kim.get_by_label("Once more").fill(PASSWORD + "!")
    kim.get_by_role("button", name="Change password").click()
    expect(kim.locator("#account")).to_contain_text("not the same")
    kim.get_by_label("New password").fill(PASSWORD)
    kim.get_by_label("Once more").fill(PASSWORD)
    kim.get_by_role("button", name="Change password").click()
    expect(kim.locator("#account")).to_contain_text("Your password is changed")
    for path in ("/settings/users", "/settings/tokens", "/settings/audit"):
        assert goes(kim, path) == 403

    admin.get_by_label("Role of kim@example.com").select_option("agent")
    admin.get_by_role("button", name="Give").click()
    expect(admin.locator("#people [role=status]")).to_contain_text("another role")
    admin.get_by_role("button", name="Disable").click()
    expect(admin.locator("#people [role=status]")).to_contain_text("is out")
    kim.goto("/settings")
    kim.wait_for_url("**/sign-in?**")
    admin.locator(".confirm summary").click()
    admin.locator(".confirm button").click()
    expect(admin.locator("#people [role=status]")).to_contain_text("removed")
    expect(admin.locator("#people tbody tr")).to_have_count(1)
    rows = aside(lambda: asyncio.run(console.audit.newest(50))).rows
    assert [(row.action, row.object, row.fields) for row in rows if row.action.startswith("user.")][::-1] == [
        ("user.add", "kim@example.com", ("operator",)), ("user.change", "kim@example.com", ("agent",)),
        ("user.change", "kim@example.com", ("disabled",)), ("user.remove", "kim@example.com", ()),
    ]  # fmt: skip
    kim.context.close()


def test_the_last_admin_stays_and_nobody_changes_their_own_role(console: Living, signed_in: SignedIn) -> None:
    page = signed_in("admin")
    page.goto("/settings/users")
    expect(page.locator("#people tbody tr")).to_have_count(1)
    assert page.locator("#people tbody form").count() == 0
    said = [
        page.request.post(
            f"/settings/users/{deed}",
            form={"name": "admin", "role": "agent"},
            headers={"Sec-Fetch-Site": "same-origin"},
        ).text()
        for deed in ("role", "disable", "remove")
    ]
    assert all("another admin" in text for text in said)
    assert [one.role for one in aside(lambda: asyncio.run(People(console.access).everybody()))] == ["admin"]


def test_own_sessions_are_listed_and_ended(console: Living, signed_in: SignedIn) -> None:
    here, there, third = signed_in("agent"), signed_in("agent"), signed_in("agent")
    here.goto("/settings")
    expect(here.locator("#sessions tbody tr")).to_have_count(3)
    expect(here.locator("#sessions tbody tr").first).to_contain_text("this one")
    expect(here.locator("#sessions tbody tr").first).to_contain_text("Chrome")
    here.get_by_role("button", name="End", exact=True).first.click()
    expect(here.locator("#sessions tbody tr")).to_have_count(2)
    here.get_by_role("button", name="End all others").click()
    expect(here.locator("#sessions tbody tr")).to_have_count(1)
    for page in (there, third):
        page.goto("/customers")
        page.wait_for_url("**/sign-in?**")
    assert goes(here, "/customers") == 200


def test_a_token_is_shown_once_rotated_in_a_pair_and_revoked(console: Living, signed_in: SignedIn) -> None:
    page = signed_in("admin")
    page.goto("/settings/tokens")
    page.get_by_label("What it is for").fill("crm")
    page.get_by_label("read customers and companies").check()
    page.get_by_label("Who answers for it").select_option("")
    page.get_by_role("button", name="Make", exact=True).click()
    first = page.get_by_label("Token", exact=True).input_value()
    page.reload()
    assert first not in page.content()

    page.locator(".confirm summary", has_text="Rotate").click()
    page.get_by_role("button", name="Rotate").click()
    expect(page.get_by_label("Token", exact=True)).to_be_visible()
    second = page.get_by_label("Token", exact=True).input_value()
    expect(page.locator("#tokens tbody tr")).to_have_count(2)
    for token in (first, second):
        bearer = {"Authorization": f"Bearer {token}"}
        assert httpx.get(f"{console.url}/v1/profiles", headers=bearer).status_code == 200
    page.locator(".confirm summary", has_text="Revoke").last.click()
    page.get_by_role("button", name="Revoke").click()
    expect(page.locator("#tokens tbody tr")).to_have_count(1)
    expect(page.locator("#tokens tbody")).to_contain_text(first[4:12])


def test_the_audit_log_is_alive_narrowed_and_a_file(console: Living, signed_in: SignedIn) -> None:
    ada = customer()
    console.keep(ada)
    agent, admin = signed_in("agent"), signed_in("admin")
    admin.goto("/settings/audit?actor=agent&action=profile")
    expect(admin.locator("#rows")).to_contain_text("Nothing is written down")
    agent.goto(f"/c/{ada.id}")
    expect(admin.locator("#rows tbody tr")).to_have_count(1)
    expect(admin.locator("#rows tbody tr")).to_contain_text("looked")
    expect(admin.get_by_role("link", name="Ada")).to_have_attribute("href", f"/c/{ada.id}")

    admin.get_by_label("Who", exact=True).fill("nobody")
    admin.get_by_role("button", name="Show").click()
    admin.wait_for_url("**actor=nobody**")
    expect(admin.locator("#rows")).to_contain_text("Nothing is written down")
    text = admin.evaluate("async () => (await fetch('/settings/audit.csv?action=sign-in&period=1h')).text()")
    rows = list(csv.DictReader(io.StringIO(text.lstrip("\ufeff"))))
    assert [(row["who"], row["did"], row["result"]) for row in rows] == [
        ("admin", "sign-in", "ok"), ("agent", "sign-in", "ok"),
    ]  # fmt: skip


def test_settings_fit_on_a_phone_and_speak_chinese(console: Living, signed_in: SignedIn) -> None:
    page = signed_in("admin")
    page.context.add_cookies([{"name": "rapport-language", "value": "zh_Hans", "url": console.url}])
    page.set_viewport_size({"width": 390, "height": 844})
    for path, words in (("", "密码"), ("/users", "角色"), ("/tokens", "令牌"), ("/audit", "审计")):
        page.goto(f"/settings{path}")
        expect(page.locator("main")).to_contain_text(words)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
