"""The ways to sign in by the settings: what belongs together, and what is missing."""

from __future__ import annotations

from typing import Any

import pytest

from console.access.group_roles import GroupRoles
from console.access.ways import ways_of
from profiles.errors import WrongUse
from streams.settings import Settings

OIDC: dict[str, Any] = {
    "oidc_issuer": "https://id.example.com",
    "oidc_client_id": "rapport",
    "public_url": "https://cdp.example.com",
    "group_roles": "a=agent",
}
PROXY: dict[str, Any] = {"proxy_user_header": "X-User", "proxy_addresses": "10.0.0.5"}


def test_passwords_are_the_way_without_any_other() -> None:
    ways = ways_of(Settings())
    assert (ways.passwords, ways.provider, ways.proxy, ways.for_anybody) == (True, None, None, False)
    assert ways_of(Settings(password_sign_in=False)).passwords is False


def test_a_proxy_goes_with_passwords_only_if_that_is_said() -> None:
    assert ways_of(Settings(**PROXY)).passwords is False
    assert ways_of(Settings(**PROXY, password_sign_in=True)).passwords is True
    assert ways_of(Settings(**OIDC)).passwords is True


def test_whoever_lets_in_people_without_an_account_is_somebody_who_may_come_in() -> None:
    assert ways_of(Settings(**OIDC)).for_anybody
    assert not ways_of(Settings(**PROXY)).for_anybody
    assert ways_of(Settings(**PROXY, proxy_role_header="X-Role")).for_anybody


@pytest.mark.parametrize("missing", ["oidc_client_id", "public_url", "group_roles"])
def test_what_a_provider_needs_is_named(missing: str) -> None:
    given = {name: value for name, value in OIDC.items() if name != missing}
    with pytest.raises(WrongUse, match=f"RAPPORT_OIDC_ISSUER needs RAPPORT_{missing.upper()}"):
        ways_of(Settings(**given))


def test_a_proxy_needs_addresses_and_no_provider_beside_it() -> None:
    with pytest.raises(WrongUse, match="needs RAPPORT_PROXY_ADDRESSES"):
        ways_of(Settings(proxy_user_header="X-User"))
    with pytest.raises(WrongUse, match="not both"):
        ways_of(Settings(**OIDC, **PROXY))


def test_the_first_group_that_fits_counts_and_a_star_is_everybody() -> None:
    roles = GroupRoles("cdp-admins=admin, support = agent ,*=analyst")
    assert roles.role(["support", "cdp-admins"]) == "admin"
    assert roles.role(["support"]) == "agent"
    assert roles.role([]) == "analyst"
    assert GroupRoles("support=agent").role(["Support", ""]) is None


def test_links_lead_to_where_people_reach_the_console() -> None:
    assert ways_of(Settings()).link("s", "http://127.0.0.1:8000/") == "http://127.0.0.1:8000/sign-in/s"
    assert ways_of(Settings(**OIDC)).link("s", "http://console:8000/") == "https://cdp.example.com/sign-in/s"
