import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from codegem.data.tracing.visible import UNKNOWN, WIDTH, Visible, differences, fingerprints


@given(st.text(alphabet="ab( \t\r\n\x0cé", max_size=40))
def test_blanks_are_all_that_is_left_out(text: str):
    visible = Visible.of(text.encode())
    assert bytes(visible.data) == b"".join(text.encode().split())
    assert bytes(visible.raw[visible.places]) == bytes(visible.data)


@given(st.text(alphabet="a é漢", min_size=1, max_size=20), st.data())
def test_characters_of_visible_bytes_are_whole(text: str, data: st.DataObject):
    visible = Visible.of(text.encode())
    if not len(visible.data):
        return
    start = data.draw(st.integers(0, len(visible.data) - 1))
    end = data.draw(st.integers(start + 1, len(visible.data)))
    first, last = visible.characters(start, end)
    within = text[first:last].encode()
    assert within in text.encode()
    assert len("".join(text[first:last].split()).encode()) <= end - start


def test_a_fingerprint_is_of_its_bytes():
    data = np.frombuffer(bytes(range(33, 33 + 60)), np.uint8)
    one = fingerprints(data, np.arange(60 - WIDTH + 1)) >> np.uint64(16)
    assert len(set(one.tolist())) == len(one)
    for place in (0, 17, 40):
        assert fingerprints(data[place : place + WIDTH], np.array([0])) >> np.uint64(16) == one[place]
    changed = data.copy()
    changed[WIDTH - 1] ^= 1
    two = fingerprints(changed, np.arange(60 - WIDTH + 1)) >> np.uint64(16)
    assert (one != two).tolist() == [place < WIDTH for place in range(len(one))]


def alike(one: str, other: str) -> int:
    """How many characters two texts begin with alike."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (a, b) in pairs if a != b), min(len(one), len(other)))


@given(st.data())
def test_a_fingerprint_hints_at_where_a_copy_ends(data: st.DataObject):
    """What it says of the bytes beside is never too little."""
    sides = st.text(alphabet="ab", max_size=20)
    left, right = data.draw(sides), data.draw(sides)
    middle = "def fingerprints(x):"
    texts = [data.draw(sides) + left + middle + right + data.draw(sides) for _ in range(2)]
    places = [text.index(middle) for text in texts]
    found = [
        fingerprints(np.frombuffer(text.encode(), np.uint8), np.array([place])).astype(np.int64)
        for text, place in zip(texts, places, strict=True)
    ]
    most = differences(*found)
    before = alike(*(text[:place][::-1] for text, place in zip(texts, places, strict=True)))
    behind = alike(*(text[place + WIDTH :] for text, place in zip(texts, places, strict=True)))
    assert most[0] == UNKNOWN or most[0] >= before
    assert most[1] == UNKNOWN or most[1] >= behind


def test_mere_marks_and_numbers_are_not_enough():
    table = Visible.of(b"0x1f, 0x2e, (3, 4), [[5]], {6}, " * 8)
    assert table.tokens[-1] > 60 and not table.is_enough(0, len(table.data), 20)
    code = Visible.of(b"for name in names: print(name, names[name])")
    assert code.is_enough(0, len(code.data), 10) and not code.is_enough(0, len(code.data), 50)
