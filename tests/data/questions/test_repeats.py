import random

from hypothesis import given
from hypothesis import strategies as st

from codegem.data.duplicates.near_duplicates import shingles, similarity
from codegem.data.questions.repeats import Repeats

WORDS = [f"word{number}" for number in range(40)]


def test_exact_repeats_are_found_whatever_their_white_space():
    repeats = Repeats(0.7)
    assert repeats.add("a", "Add two\nnumbers.", near=False) is None
    assert repeats.add("b", "Add  two numbers. ", near=False) == ("exact duplicate", "a")
    assert repeats.add("c", "Add two numbers", near=False) is None


def test_texts_are_compared_nearly_only_where_that_is_asked():
    repeats, text = Repeats(0.5), "find x where two x plus three is seven and "
    assert repeats.add("a", text + "say why", near=False) is None
    assert repeats.add("b", text + "say how", near=False) is None
    assert repeats.add("c", text + "say when", near=True) is None
    assert repeats.add("d", text + "say where", near=True) == ("near duplicate", "c, similarity 0.78")


@given(st.integers(0, 10**6), st.sampled_from([0.2, 0.5, 0.7, 0.95, 1.0]))
def test_near_repeats_are_those_that_comparing_all_pairs_finds(seed: int, threshold: float):
    rng = random.Random(seed)
    texts = [" ".join(rng.choices(WORDS, k=rng.randint(4, 30)))]
    for _ in range(12):
        words = rng.choice(texts).split()
        for _ in range(rng.randint(0, 3)):
            words[rng.randrange(len(words))] = rng.choice(WORDS)
        texts.append(" ".join(words))
    repeats, kept = Repeats(threshold), []
    for text in texts:
        (values, _) = shingles([text], 5)
        alike = any(similarity(values, other) >= threshold for other in kept)
        found = repeats.add("x", text, near=True)
        if found is None or found[0] == "near duplicate":
            assert (found is not None) == alike
        if found is None:
            kept.append(values)
