from pathlib import Path

import pytest

SHOP = """\
from money import Money, rounded


def total(prices, tax):
    amount = Money(0)
    for price in prices:
        amount = amount.plus(price)
        amount = rounded(amount)
    return amount


def name(item):
    return item.get("name")
"""
MONEY = """\
class Money:
    def __init__(self, cents):
        self.cents = cents

    def plus(self, other):
        return Money(self.cents + other.cents)

    def get(self):
        return self.cents


def rounded(money):
    return Money(round(money.cents, 2))
"""
TEST = """\
import unittest

from money import Money
from shop import total


class TestTotal(unittest.TestCase):
    def test_total(self):
        self.assertEqual(total([Money(1), Money(2)], 0).cents, 3)
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Two files, of which one imports the other, and a test."""
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "pyproject.toml").write_text('[project]\nname = "shop"\nlicense = "MIT"\n', "utf-8")
    for name, text in {"shop.py": SHOP, "money.py": MONEY, "test_shop.py": TEST}.items():
        (folder / name).write_text(text, "utf-8")
    return folder
