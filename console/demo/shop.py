"""The small shop of the demo: what it sells, and who its customers might be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = [
    "CAMPAIGNS",
    "CITIES",
    "FEATURES",
    "FIRST_NAMES",
    "LAST_NAMES",
    "PRODUCTS",
    "SEARCHES",
    "TROUBLES",
    "Product",
]


@dataclass(frozen=True, slots=True)
class Product:
    """Something the shop sells; the price is in cents."""

    id: str
    name: str
    category: str
    price: int

    def properties(self, quantity: int | None = None) -> dict[str, Any]:
        """As it stands in an event."""
        found = {"product_id": self.id, "name": self.name, "category": self.category, "price": self.price / 100}
        return found if quantity is None else {**found, "quantity": quantity}


def _catalogue() -> tuple[Product, ...]:
    shelves = {
        "coffee": {"House Blend 1 kg": 1890, "Ethiopia Guji 250 g": 1150, "Decaf 500 g": 1290, "Espresso 1 kg": 2150},
        "tea": {"Sencha 100 g": 990, "Earl Grey 200 g": 1090, "Rooibos 200 g": 850, "Mint 100 g": 590},
        "chocolate": {"Dark 80 %": 420, "Milk and Salt": 390, "Tasting Box": 2490},
        "equipment": {"Hand Grinder": 5900, "Pour-over Set": 3490, "Milk Frother": 2990, "Filter Papers": 450},
        "gifts": {"Breakfast Hamper": 4950, "Mug Pair": 2400},
    }
    rows = [(category, name, price) for category, goods in shelves.items() for name, price in goods.items()]
    return tuple(Product(f"P{101 + at}", name, category, price) for at, (category, name, price) in enumerate(rows))


PRODUCTS = _catalogue()

FIRST_NAMES = tuple(
    "Ada Amir Anna Bram Carla Chen Daan Elif Emma Fatima Finn Grace Hugo Ines Ivan Jonas Julia Kofi Lars Lea Luca "
    "Maja Marco Mei Mila Noah Nora Olga Omar Pia Priya Rosa Samir Sofia Tariq Theo Vera Wim Yara Zoe".split()
)
LAST_NAMES = tuple(
    "Adeyemi Bakker Becker Costa Dubois Fischer Garcia Haddad Hansen Ivanova Jansen Kaya Kowalski Lindberg Martin "
    "Meyer Moreau Nguyen Novak Okafor Petrov Ricci Rossi Sato Schmidt Silva Singh Visser Weber Yilmaz".split()
)
CITIES = (("NL", "nl", "Utrecht"), ("NL", "nl", "Groningen"), ("DE", "de", "Bremen"), ("DE", "de", "Leipzig"),
          ("BE", "nl", "Gent"), ("FR", "fr", "Lille"), ("IE", "en", "Cork"))  # fmt: skip
"""(country, language, city)."""

CAMPAIGNS = ("search", "friends", "newsletter", "social", "fair")
FEATURES = ("brew_timer", "order_tracker", "taste_adviser", "wish_list")
SEARCHES = ("decaf", "gift", "grinder", "green tea", "oat milk", "filter", "single origin")
TROUBLES = (("delivery", "Parcel has not arrived"), ("problem", "Grinder does not work"), ("payment", "Charged twice"))
"""(type of the ticket, its subject)."""
