"""Keys that everybody knows are for this machine only."""

from __future__ import annotations

import pytest

from console.http.reach_of_others import is_loopback, require_own_keys
from plan import load_plan
from profiles.errors import WrongUse
from tests import REPOSITORY

PLAN = REPOSITORY / "tracking_plan.yaml"
OWN = {f"RAPPORT_WRITE_KEY_{source}": f"{source}-0123456789abcdef" for source in ("WEB", "APP", "SUPPORT", "PURCHASE")}


@pytest.mark.parametrize(
    ("host", "ours"),
    [("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("::", False),
     ("192.168.1.5", False), ("shop.example", False)],
)  # fmt: skip
def test_whom_an_address_lets_in(host: str, ours: bool) -> None:
    assert is_loopback(host) is ours


def test_keys_of_the_shipped_plan_are_for_this_machine() -> None:
    """The error names what to set."""
    shipped = load_plan(PLAN, {})
    require_own_keys("127.0.0.1", shipped)
    with pytest.raises(WrongUse, match=r"RAPPORT_WRITE_KEY_WEB.*openssl rand"):
        require_own_keys("0.0.0.0", shipped)


def test_on_this_machine_they_are_a_warning_unless_it_is_a_trial(caplog: pytest.LogCaptureFixture) -> None:
    """A proxy beside the collector lets others in."""
    require_own_keys("127.0.0.1", load_plan(PLAN, {}), trial=True)
    require_own_keys("127.0.0.1", load_plan(PLAN, OWN))
    assert caplog.messages == []
    require_own_keys("127.0.0.1", load_plan(PLAN, {**OWN, "RAPPORT_WRITE_KEY_APP": "dev-app-key-0123456789"}))
    [told] = caplog.messages
    assert "write keys of app can be guessed" in told


def test_each_enabled_source_needs_a_long_one() -> None:
    require_own_keys("0.0.0.0", load_plan(PLAN, OWN))
    with pytest.raises(WrongUse) as caught:
        require_own_keys("0.0.0.0", load_plan(PLAN, {**OWN, "RAPPORT_WRITE_KEY_APP": "k" * 15}))
    assert "RAPPORT_WRITE_KEY_APP" in str(caught.value)
    assert "RAPPORT_WRITE_KEY_WEB" not in str(caught.value)
