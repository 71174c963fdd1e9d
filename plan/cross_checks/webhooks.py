"""Webhooks of other services against the rest of the plan: are they of a source that there is, and believed?"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from models.conditions.vocabulary import suggest
from plan.model import SourceSpec, WebhookSpec
from plan.source_map import Location

__all__ = ["webhook_problems", "webhook_warnings"]


def webhook_problems(webhooks: Mapping[str, WebhookSpec], sources: Collection[str]) -> Iterator[tuple[Location, str]]:
    """What cannot be meant.

    Args:
        webhooks: those that parsed.
        sources: all that the plan declares.
    """
    for name, webhook in webhooks.items():
        if webhook.source not in sources:
            message = f"there is no source '{webhook.source}'{suggest(webhook.source, sources)}"
            yield ("webhooks", name, "source"), message
        if webhook.service == "generic" and not webhook.mapping:
            yield ("webhooks", name), "nothing says what its requests mean; name a file in `mapping`"


def webhook_warnings(
    webhooks: Mapping[str, WebhookSpec], sources: Mapping[str, SourceSpec]
) -> Iterator[tuple[Location, str]]:
    """What is allowed, but hardly meant."""
    for name, webhook in webhooks.items():
        source = sources.get(webhook.source)
        if source is not None and source.public is not False:
            yield ("webhooks", name, "source"), f"'{webhook.source}' is public, so what it says of money is a claim"
