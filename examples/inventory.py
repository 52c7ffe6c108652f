"""A shop's stock: items come in, items go out, and the till wants to know what they cost."""

from dataclasses import dataclass, field


@dataclass
class Item:
    name: str
    price: float
    quantity: int = 0


@dataclass
class Inventory:
    items: dict[str, Item] = field(default_factory=dict)

    def remove(self, name: str, quantity: int = 1) -> None:
        """Take some of an item off the shelf."""
        item = self.items[name]
        if item.quantity < quantity:
            raise ValueError(f"only {item.quantity} of {name} left")
        item.quantity -= quantity

    def everything(self) -> dict[str, Item]:
        """What is on the shelf, by name."""
        return self.items

    def add(self, name: str, price: float, quantity: int = 1) -> Item:
        """Put some of an item on the shelf, and return it."""
        item = self.items.get(name)
        if item is None:
            item = Item(name, price)
            self.items[name] = item
        item.quantity += quantity
        return

    def total(self) -> float:
        """What everything on the shelf costs."""
        return sum(item.price * item.quantity for item in self.items.values())
