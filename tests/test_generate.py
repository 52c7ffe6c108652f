"""Whole texts from a stream of chunks."""

from collections.abc import Generator, Sequence

from codegem.generate import Chunk, Output, Request, StopReason, finished, outputs


class Interleaved:
    """A source whose second request ends before its first."""

    name = "interleaved"

    def generate(self, requests: Sequence[Request]) -> Generator[Chunk]:
        yield Chunk(0, "a", 1)
        yield Chunk(1, "x", 1, StopReason.LENGTH)
        yield Chunk(0, "", 1)
        yield Chunk(0, "b", 0, StopReason.STOP)


def test_outputs_come_whole_and_in_the_order_of_the_requests():
    found = list(outputs(Interleaved(), [Request("1"), Request("2")]))
    assert found == [Output("ab", 2, StopReason.STOP), Output("x", 1, StopReason.LENGTH)]


def test_finished_gives_each_text_as_soon_as_it_is_done():
    found = list(finished(Interleaved(), [Request("1"), Request("2")]))
    assert found == [(1, Output("x", 1, StopReason.LENGTH)), (0, Output("ab", 2, StopReason.STOP))]
