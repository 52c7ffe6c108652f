import threading

import pytest

from codegem.errors import UserError
from codegem.train.feeding import Feed


class Numbers:
    """Batches that are numbers, and an error after `last`."""

    def __init__(self, last: int = 1_000):
        self.made, self._last = 0, last
        self.four = threading.Event()

    def __next__(self):
        if self.made == self._last:
            raise UserError("a shard is damaged")
        self.made += 1
        if self.made == 4:
            self.four.set()
        return {"number": self.made}

    def get_state(self):
        return {"made": self.made}

    def set_state(self, state):
        self.made = state["made"]


def doubled(batch):
    return {"number": 2 * batch["number"]}


def test_batches_come_in_order_and_the_state_is_that_of_the_one_taken():
    numbers = Numbers()
    numbers.set_state({"made": 10})
    feed = Feed(numbers, doubled)
    assert feed.get_state() == {"made": 10}
    for number in range(11, 20):
        assert next(feed) == {"number": 2 * number}
        assert feed.get_state() == {"made": number}
    feed.close()


def test_a_few_are_made_ahead_and_no_more():
    numbers = Numbers()
    feed = Feed(numbers, doubled, ahead=3)
    next(feed)
    assert numbers.four.wait(10)
    feed.close()
    assert numbers.made == 4


def test_an_error_comes_where_the_batch_would_have_come():
    feed = Feed(Numbers(last=1), doubled)
    assert next(feed) == {"number": 2}
    with pytest.raises(UserError, match="a shard is damaged"):
        next(feed)
    feed.close()
