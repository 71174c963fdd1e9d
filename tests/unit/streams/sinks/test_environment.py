"""Addresses and secrets of sinks, from the environment alone."""

from __future__ import annotations

import pytest

from plan import parse_plan
from profiles.errors import Misconfigured, WrongUse
from streams.sinks.environment import outlet, outlets
from tests.plans import BASE
from tests.telling import SECRET

PLAN = parse_plan(
    BASE.replace("alerts:\n", "sinks: {crm: {type: webhook}, ads: {type: segment_style}}\nalerts:\n"), "p", {}
)
FULL = {
    "RAPPORT_SINK_CRM_URL": "https://crm.example/in", "RAPPORT_SINK_CRM_SECRET": SECRET,
    "RAPPORT_SINK_CRM_ALLOW_PRIVATE": "10.0.0.0/8, fd00::/8",
    "RAPPORT_SINK_ADS_URL": "https://ads.example", "RAPPORT_SINK_ADS_SECRET": "key",
}  # fmt: skip


def test_each_sink_has_its_own():
    found = outlets(PLAN, FULL)
    assert {name: [str(network) for network in one.allowed] for name, one in found.items()} == {
        "crm": ["10.0.0.0/8", "fd00::/8"], "ads": [],
    }  # fmt: skip
    assert found["crm"].kind.secret("URL") == "https://crm.example/in"


def test_all_that_is_missing_is_said_at_once_and_no_secret():
    with pytest.raises(WrongUse) as refused:
        outlets(PLAN, {"RAPPORT_SINK_CRM_URL": "https://crm.example/in", "RAPPORT_SINK_CRM_SECRET": "whsec_c2VjcmV0"})
    assert "RAPPORT_SINK_CRM_SECRET" in str(refused.value)
    assert "RAPPORT_SINK_ADS_URL" in str(refused.value)
    assert "c2VjcmV0" not in str(refused.value)


@pytest.mark.parametrize("networks", ["10.0.0.1/8", "localhost", "10.0.0.0/8;fd00::/8"])
def test_networks_that_are_none_are_refused(networks):
    with pytest.raises(WrongUse, match="RAPPORT_SINK_CRM_ALLOW_PRIVATE"):
        outlet(PLAN, "crm", FULL | {"RAPPORT_SINK_CRM_ALLOW_PRIVATE": networks})


def test_a_sink_that_the_plan_does_not_have_is_said():
    with pytest.raises(Misconfigured, match="no sink 'mail'; there are: crm, ads"):
        outlet(PLAN, "mail", FULL)
