"""Who may come in, as people and tools read it: accounts, tokens, and what is shown once only."""

from __future__ import annotations

from typing import Literal, Self, cast

from pydantic import Field

from console.views.document import Document, Time
from profiles.stores.access import Account, ApiToken, Role

__all__ = ["LinkView", "MadeTokenView", "TokenView", "UserView"]


class UserView(Document):
    """Somebody who may sign in."""

    name: str
    role: Role
    signs_in: bool = Field(description="false: disabled; nobody comes in by it.")
    password: bool = Field(description="Whether it has a password; without one it is signed in by links.")
    created: Time | None
    source: Literal["here", "file", "oidc", "proxy"] = Field(
        description="Who says that there is such a person: this console, RAPPORT_USERS_FILE, the provider, the proxy."
    )

    @classmethod
    def of_account(cls, account: Account) -> Self:
        """Without what is secret of it."""
        return cls(
            name=account.name,
            role=account.role,
            signs_in=not account.disabled,
            password=bool(account.password),
            created=account.created or None,
            source=cast(Literal["here", "file", "oidc", "proxy"], account.source or "here"),
        )


class LinkView(Document):
    """A link that signs somebody in once. Whoever has it is them."""

    name: str
    url: str
    seconds: float = Field(description="How long it can be used.")


class TokenView(Document):
    """A token of the API."""

    id: str
    token: str = Field(description="Its beginning and its end.", examples=["rpt_4fG7hK2m_…x7Qz"])
    name: str = Field(description="What it is for; two of one name while one replaces the other.")
    owner: str | None = Field(description="The account that answers for it, and whose role bounds it.")
    scopes: list[str]
    created: Time
    expires: Time
    expired: bool
    used: str | None = Field(description="The day it was last used.")

    @classmethod
    def of_token(cls, token: ApiToken, now: float, used: str | None = None) -> Self:
        """Without what is secret of it."""
        return cls(
            id=token.id,
            token=f"rpt_{token.id}_…{token.last4}",
            name=token.name,
            owner=token.owner or None,
            scopes=list(token.scopes),
            created=token.created,
            expires=token.expires,
            expired=token.expires <= now,
            used=used,
        )


class MadeTokenView(TokenView):
    """A token that was just made."""

    token: str = Field(description="The whole of it: shown now and never again.")
