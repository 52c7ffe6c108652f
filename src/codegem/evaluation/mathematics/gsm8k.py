r"""Answers to GSM8K (Cobbe et al. 2021, 2110.14168): word problems whose result is one number.

Numbers are compared by value, so that $18.00 is 18.
"""

import re
from fractions import Fraction

_CALCULATED = re.compile(r"#### *(-?[\d,]*\d(?:\.\d+)?)\s*$")
_LONGEST = 50  # characters of a number; Python reads at most 4,300 digits
_AMOUNT = r"(?:(?<![\w.)])-)?\s*\\?\$?\s*(?<![\d.])-?(?:\d[\d,]*(?:\.\d+)?|\.\d+)"
_NUMBER = re.compile(_AMOUNT)
_SAID = re.compile(rf"(?:####|\b[Aa]nswer is:?)[\s*]*({_AMOUNT})")


def score(text: str, answer: str) -> dict[str, float]:
    r"""What is right of a text that a model wrote.

    Args:
        text: up to the next question.
        answer: of the data's row, which ends with #### and the result.

    Returns:
        "strict": the number behind "The answer is" or "####" is right; "flexible": the last number is.

    >>> score("6 * 3 = 18.", "6 * 3 = <<6*3=18>>18\n#### 18")
    {'strict': 0.0, 'flexible': 1.0}
    """
    expected = result(answer)
    given = {"strict": strict(text), "flexible": flexible(text)}
    return {name: float(number is not None and number == expected) for name, number in given.items()}


def result(answer: str) -> Fraction | None:
    r"""The number that a row of the data ends with; None where it has none.

    >>> result("1000 + 4 = <<1000+4=1004>>1004\n#### 1,004")
    Fraction(1004, 1)
    """
    found = _CALCULATED.search(answer)
    return _value(found[1]) if found else None


def strict(text: str) -> Fraction | None:
    r"""The number that is said to be the answer.

    >>> strict("So 6 * 3 = 18. The answer is $1,018.50."), strict("so 18\n#### 18"), strict("it is 18")
    (Fraction(2037, 2), Fraction(18, 1), None)
    """
    found = _SAID.search(text)
    return _value(found[1]) if found else None


def flexible(text: str) -> Fraction | None:
    """The last number of a text.

    >>> flexible("He has 10-4=6 apples left"), flexible("minus: -3."), flexible("none")
    (Fraction(6, 1), Fraction(-3, 1), None)
    """
    found = _NUMBER.findall(text)
    return _value(found[-1]) if found else None


def _value(number: str) -> Fraction | None:
    if len(number) > _LONGEST:
        return None
    return Fraction(re.sub(r"[\s,$\\]", "", number).replace("--", "-"))
