// What the editor shows at first; ▮ is the cursor, in the last file.

export const EXAMPLES = [
  {
    path: "shop/item.py",
    text: `from dataclasses import dataclass


@dataclass(frozen=True)
class Item:
    """Something that is sold."""

    name: str
    price: int  # in cents
    quantity: int = 1
`,
  },
  {
    path: "shop/basket.py",
    text: `from shop.item import Item


class Basket:
    """What a customer is about to buy."""

    def __init__(self):
        self.items: list[Item] = []

    def add(self, item: Item) -> None:
        self.items.append(item)

    def remove(self, item: Item) -> None:
        ▮

    def total(self) -> int:
        """The price of everything in the basket."""
        return sum(item.price * item.quantity for item in self.items)
`,
  },
];
