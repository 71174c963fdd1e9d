"""What all documents of the support API share: how time, money and risk are written, pages, errors, readiness."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Generic, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema

from profiles.money import exponent
from profiles.times import rfc3339

__all__ = ["Document", "Health", "Money", "Page", "Problem", "Readiness", "Risk", "Time"]


def _seconds(time: object) -> object:
    return datetime.fromisoformat(time).timestamp() if isinstance(time, str) else time


Time = Annotated[
    float,
    BeforeValidator(_seconds),
    PlainSerializer(rfc3339, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""Seconds since the epoch, written as `profiles.times.rfc3339` does."""

Risk = Annotated[float, Field(ge=0, le=1)]
"""A probability of churn."""


class Document(BaseModel):
    """What the API answers; never changed after it is made."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    @classmethod
    def of(cls, source: object, **more: Any) -> Self:
        """The document of something that has attributes of the same names; `more` is what it has not, or otherwise."""
        return cls(**{name: getattr(source, name) for name in cls.model_fields if hasattr(source, name)} | more)


class Money(Document):
    """An amount of one currency."""

    amount: str = Field(description="Decimal, exact.", examples=["249.90"])
    currency: str = Field(description="ISO 4217.", examples=["EUR"])
    minor: int = Field(description="The same in minor units, for arithmetic.", examples=[24990])

    @classmethod
    def of_minor(cls, minor: int, currency: str) -> Self:
        """An amount of minor units."""
        decimals = exponent(currency)
        return cls(amount=f"{Decimal(minor).scaleb(-decimals):.{decimals}f}", currency=currency, minor=minor)

    @classmethod
    def by_currency(cls, amounts: Mapping[str, int]) -> list[Self]:
        """Amounts of minor units, by the name of the currency."""
        return [cls.of_minor(minor, currency) for currency, minor in sorted(amounts.items())]


Row = TypeVar("Row")


class Page(Document, Generic[Row]):
    """One page of a list."""

    data: list[Row]
    next: str | None = Field(None, description="Give it as `cursor` for the next page; null on the last.")


class Problem(Document):
    """Every error."""

    code: str = Field(examples=["not_found"])
    message: str = Field(examples=["no customer is known as user_id:42"])


class Health(Document):
    """The process is up."""

    status: str


class Readiness(Problem):
    """Whether everything answers; with 503 the code is not_ready and the message says what does not."""

    checks: dict[str, str] = Field(description="By dependency: ok, or what it said. Empty for who may not know.")
    paused: dict[str, str] = Field({}, description="Sources that are paused, and why; the API is ready all the same.")
    plans: str = Field("", description="Who has which plan, and what is held, while processes have different ones.")
