"""Agreement, on examples whose values are printed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegem.evaluation.content.agreement import agreement, cohens_kappa, krippendorffs_alpha


def test_cohens_kappa_of_a_printed_table() -> None:
    """Fleiss, Levin and Paik, Statistical Methods for Rates and Proportions (2003), table 18.1 in counts of 100."""
    table = {("p", "p"): 75, ("p", "n"): 1, ("p", "o"): 4, ("n", "p"): 5, ("n", "n"): 4, ("n", "o"): 1,
             ("o", "p"): 0, ("o", "n"): 0, ("o", "o"): 10}  # fmt: skip
    pairs = [pair for pair, count in table.items() for _ in range(count)]
    assert cohens_kappa(pairs) == pytest.approx(0.68, abs=0.005)


def test_krippendorffs_alpha_of_four_observers_with_gaps() -> None:
    """Krippendorff 2011, Computing Krippendorff's Alpha-Reliability, section C: nominal data, 0.743."""
    rows = ["123321412...", "1233224125.3", ".3332342251.", "12332441251."]
    units = ["".join(said).replace(".", "") for said in zip(*rows, strict=True)]
    assert krippendorffs_alpha(units) == pytest.approx(0.743, abs=0.0005)


def test_krippendorffs_alpha_of_two_observers() -> None:
    """The same, section A: binary data, 0.095."""
    units = list(zip("0100000010", "1110010000", strict=True))
    assert krippendorffs_alpha(units) == pytest.approx(0.095, abs=0.0005)


def test_two_raters_have_kappa_and_more_have_alpha() -> None:
    two = [{"ann": "x", "bob": "x"}, {"ann": "y", "bob": "y"}, {"ann": "x", "bob": "y"}, {"ann": "x"}]
    found = agreement(two)
    assert found.measure == "kappa" and found.value == cohens_kappa([("x", "x"), ("y", "y"), ("x", "y")])
    assert found.low is not None and found.high is not None and found.low <= found.value <= found.high
    assert list(found.same) == [1, 1, 0], "what one rater said alone counts nothing"
    more = agreement([*two, {"bob": "y", "cyd": "y"}, {"ann": "x", "bob": "x", "cyd": "y"}])
    assert more.measure == "alpha" and more.value == krippendorffs_alpha(["xx", "yy", "xy", "yy", "xxy"])
    assert more.same[-1] == pytest.approx(1 / 3)


@pytest.mark.parametrize("items", [[], [{"ann": "x"}, {"bob": "x"}], [{"ann": "x", "bob": "x"}] * 3])
def test_where_there_is_nothing_to_tell(items: list[dict[str, str]]) -> None:
    found = agreement(items)
    assert (found.value, found.low, found.high) == (None, None, None)
    assert krippendorffs_alpha([list(item.values()) for item in items]) is None
    assert cohens_kappa([]) is None


_NAMES = st.lists(st.sampled_from("abc"), min_size=2, max_size=4)


@given(st.lists(_NAMES, min_size=1, max_size=12), st.permutations("abc"))
def test_names_and_orders_do_not_matter(units: list[list[str]], names: list[str]) -> None:
    value = krippendorffs_alpha(units)
    renamed = [[names["abc".index(one)] for one in reversed(unit)] for unit in reversed(units)]
    assert krippendorffs_alpha(renamed) == (None if value is None else pytest.approx(value))
    assert value is None or value <= 1 + 1e-12
    assert krippendorffs_alpha([[unit[0]] * 3 for unit in units] + ["xx"]) == pytest.approx(1)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), min_size=1, max_size=12))
def test_kappa_is_the_same_from_either_side(pairs: list[tuple[str, str]]) -> None:
    value = cohens_kappa(pairs)
    other = cohens_kappa([(b, a) for a, b in pairs])
    assert other == (None if value is None else pytest.approx(value))
