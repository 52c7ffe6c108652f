r"""Whether two final answers say the same.

    >>> equal(r"\frac{1}{2}", "0.5"), equal("x=5", "5"), equal("(1, 2)", "(2, 1)")
    (True, True, False)

What counts: the order in tuples and intervals, and their brackets; not that of lists and sets. A name that only one of
them gives does not count, nor a unit that only one has. "10%" is 10 as well as 0.1, since questions ask for either.
"""

from collections.abc import Sequence

from codegem.evaluation.mathematics.algebra import constant_ratio, same_value
from codegem.evaluation.mathematics.cleaning import bare, cleaned
from codegem.evaluation.mathematics.shapes import (
    Answer,
    Digits,
    Matrix,
    Named,
    Relation,
    Several,
    Term,
    Union,
    Words,
)
from codegem.evaluation.mathematics.structure import letters, structure

_ANY_ORDER = ("", "{}")
_MOST_PARTS = 30  # of a list in any order


def same_text(given: str, expected: str) -> bool:
    """Whether two answers are written the same, dress aside."""
    one, other = bare(cleaned(given)), bare(cleaned(expected))
    return one == other != ""


def equal(given: str, expected: str) -> bool:
    """Whether an answer says what is expected.

    Raises:
        Exception: one of them can't be read as mathematics; then they differ as texts.
    """
    return same_text(given, expected) or same(structure(cleaned(given)), structure(cleaned(expected)))


def same(given: Answer, expected: Answer) -> bool:
    """`equal` for structures."""
    given, expected = _lone(given), _lone(expected)
    match given, expected:
        case (Term(), Term()):
            return _same_terms(given, expected)
        case (Words(), Words()) | (Digits(), Digits()):
            return given == expected
        case (Words(letters=words), Term(latex=latex)) | (Term(latex=latex), Words(letters=words)):
            return words == letters(latex)
        case (Digits(digits=digits), Term(latex=latex)) | (Term(latex=latex), Digits(digits=digits)):
            return digits == latex
        case (Several(), Several()):
            return _same_parts(given, expected)
        case (Union(parts=left), Union(parts=right) | Several(brackets="", parts=right)):
            return _in_any_order(left, right)
        case (Several(brackets="", parts=left), Union(parts=right)):
            return _in_any_order(left, right)
        case (Matrix(rows=left), Matrix(rows=right)):
            return len(left) == len(right) and all(map(_in_order, left, right))
    return _same_statements(given, expected)


def _same_statements(given: Answer, expected: Answer) -> bool:
    """Equations, inequalities, and values with names."""
    match given, expected:
        case (Named(), Named()) if given.name == expected.name:
            return same(given.value, expected.value)
        case (Named() | Relation(), Named() | Relation()):
            left, right = _relation(given), _relation(expected)
            return left is not None and right is not None and _same_relations(left, right)
        case (Named(), _):
            return same(given.value, expected)
        case (_, Named()):
            return same(given, expected.value)
        case (Relation(sign="="), Term()):
            return _same_terms(given.right, expected)  # what was computed; nobody asked for an equation
    return False


def _lone(answer: Answer) -> Answer:
    """A set or list of one is what it holds."""
    while isinstance(answer, Several) and len(answer.parts) == 1 and answer.brackets in _ANY_ORDER:
        answer = answer.parts[0]
    return answer


def _same_terms(given: Term, expected: Term) -> bool:
    if given.unit and expected.unit and given.unit != expected.unit:
        return False
    if given.percent == expected.percent:
        return same_value(given.latex, expected.latex)
    share, plain = (given, expected) if given.percent else (expected, given)
    return same_value(share.latex, plain.latex) or same_value(rf"\frac{{{share.latex}}}{{100}}", plain.latex)


def _same_parts(given: Several, expected: Several) -> bool:
    if given.brackets in _ANY_ORDER and expected.brackets in _ANY_ORDER:
        return _in_any_order(given.parts, expected.parts)
    return given.brackets == expected.brackets and _in_order(given.parts, expected.parts)


def _in_order(given: Sequence[Answer], expected: Sequence[Answer]) -> bool:
    return len(given) == len(expected) and all(map(same, given, expected))


def _in_any_order(given: Sequence[Answer], expected: Sequence[Answer]) -> bool:
    if len(given) != len(expected) or len(given) > _MOST_PARTS:
        return False
    left = list(expected)
    for part in given:
        found = next((place for place, other in enumerate(left) if same(part, other)), None)
        if found is None:
            return False
        del left[found]
    return True


def _relation(answer: Named | Relation) -> Relation | None:
    if isinstance(answer, Relation):
        return answer
    return Relation("=", Term(answer.name), answer.value) if isinstance(answer.value, Term) else None


def _same_relations(given: Relation, expected: Relation) -> bool:
    """Their sides' differences are the same but for a factor, which must not turn an inequality around."""
    if given.sign != expected.sign:
        return False
    ratio = constant_ratio(_difference(given), _difference(expected))
    return ratio is not None and (given.sign in ("=", "!=") or bool(ratio > 0))


def _difference(relation: Relation) -> str:
    return f"({relation.left.latex}) - ({relation.right.latex})"
