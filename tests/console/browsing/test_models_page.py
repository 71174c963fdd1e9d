"""The models in a browser: who speaks, how good each is, and deciding about them; over a real learner."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from console.services.models import ModelDesk
from models.companies.labels import COMPANIES
from models.labels.examples import Of
from models.learning.learners import Learners
from tests.console.browsing.conftest import SignedIn, visitors
from tests.console.browsing.living import living
from tests.console.support_api import PLAN
from tests.console.test_models import Learned
from tests.models.training import CONFIG
from tests.unit.models.companies.test_learning import labels_of

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def learned() -> Learned:
    """A learner that knows something."""
    return Learned()


@pytest.fixture
def signed_in(chromium: Browser, learned: Learned) -> Iterator[SignedIn]:
    """A page of somebody, of a console over that learner."""
    desk = ModelDesk(learned, learned, CONFIG, PLAN.currency)
    with living(models=desk, wait=3.0) as console, visitors(chromium, console) as open_page:
        yield open_page


def test_it_is_said_who_speaks_and_how_good_each_is(signed_in: SignedIn, learned: Learned) -> None:
    page = signed_in("analyst")
    page.goto("/models")

    expect(page.locator("#speaks .big")).to_contain_text(learned.learner.panel().champion_name)
    expect(page.locator("#standings")).to_contain_text("hazard")
    expect(page.get_by_role("button", name="Promote")).to_have_count(0)
    page.locator("#standings").get_by_role("link", name="hazard", exact=True).click()
    expect(page.locator("#detail")).to_have_text("hazard")
    expect(page.get_by_text("Features, the heaviest first")).to_be_visible()


def test_the_course_is_drawn_and_told(signed_in: SignedIn) -> None:
    page = signed_in("analyst")
    page.goto("/models")
    expect(page.locator(".chart canvas")).to_be_visible()
    page.get_by_text("The figures, and going back").click()
    expect(page.get_by_role("columnheader", name="Checkpoint")).to_be_visible()


def test_a_decision_is_carried_out_or_refused_in_words(signed_in: SignedIn, learned: Learned) -> None:
    page = signed_in("operator")
    page.goto("/models")
    page.get_by_role("button", name="Promote direct").click()
    expect(page.locator("#decided")).to_contain_text("direct")
    page.goto("/models")
    expect(page.locator("#speaks")).to_contain_text("promoted by operator")
    page.get_by_role("button", name="Release").click()
    expect(page.locator("#decided")).to_contain_text("release")


def test_what_companies_have_taught_is_told_beside_the_models(signed_in: SignedIn, learned: Learned) -> None:
    companies = Learners(CONFIG)
    companies.take(Of(COMPANIES, one) for one in labels_of(300, 1, horizon=CONFIG.horizon))
    page = signed_in("analyst")
    page.goto("/models")
    expect(page.locator("#companies")).to_have_count(0)
    learned.instead = {name: part for name, part in companies.parts().items() if COMPANIES in name}
    page.reload()
    expect(page.locator("#companies")).to_contain_text("as companies have taught it")
    page.get_by_text("What each signal counts").click()
    expect(page.get_by_text("each day since a payment failed, up to 10")).to_be_visible()
    learned.instead = {}


def test_before_anything_is_learned_it_says_what_comes(chromium: Browser) -> None:
    with living() as console, visitors(chromium, console) as open_page:
        page = open_page("operator")
        page.goto("/models")
        expect(page.get_by_text("There is no course yet.")).to_be_visible()
        page.goto("/jobs")
        expect(page.get_by_text("Nothing is under way")).to_be_visible()
