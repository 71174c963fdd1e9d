"""The routes of all tools in which customers are shown, as far as the settings name them."""

from __future__ import annotations

from fastapi import FastAPI

from console.embeds.embed_tokens import EmbedTokens
from console.embeds.framed_customer import customer_frame_router
from console.embeds.gate import Gate, Limits
from console.embeds.intercom import intercom_router
from console.pages.entry import Entry
from console.pages.frame import Frame
from console.pages.matters.deciding import deciding_router
from console.services.ports import ApiDeps
from profiles.errors import WrongUse

__all__ = ["add_embeds"]


def add_embeds(app: FastAPI, deps: ApiDeps, entry: Entry, frame: Frame) -> None:
    """Add what the settings open; nothing if they name no tool.

    Raises:
        WrongUse: what they say of Zendesk cannot be used.
    """
    embeds, limits = deps.embeds, Limits()
    gate = Gate(EmbedTokens(deps.access, embeds), deps.audit, limits)
    if embeds.origins or embeds.zendesk is not None:
        app.include_router(customer_frame_router(deps, embeds, entry, gate, frame))
        app.include_router(deciding_router(deps, gate, frame), prefix="/embed")
    if embeds.intercom is not None:
        app.include_router(intercom_router(deps, embeds.intercom, limits, frame))
    if embeds.zendesk is not None:
        try:
            from console.embeds.zendesk import zendesk_router  # noqa: PLC0415  (joserfc is with [oidc] only)
        except ImportError as error:
            raise WrongUse(f"RAPPORT_ZENDESK_KEY needs joserfc ({error}): pip install 'rapport-cdp[oidc]'") from error
        app.include_router(zendesk_router(deps, embeds.zendesk, gate, frame))
