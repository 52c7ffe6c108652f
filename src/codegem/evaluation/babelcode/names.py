"""Names of functions in the spelling of each language, and names that no parameter may have."""

import re

# Where a new word begins: a capital after a small letter or digit, a capital before a small letter, and whatever
# follows an underscore.
_WORD = re.compile(r"(?<=[a-z0-9])[A-Z]|(?!^)[A-Z](?=[a-z])|(?<=_)[a-zA-Z0-9]")

# Keywords and names of libraries of the languages, as far as they can be parameters in Python and have small letters
# alone; the choice is BabelCode's (`data/reserved_keywords.txt`).
_RESERVED = """
    _ abstract add alias and_eq arguments ascending asm auto base bitand bitor bool boolean byte case catch chan
    char checked cin compare compl const const_cast cout data debugger decimal default defer delegate delete
    deriving descending do double dynamic dynamic_cast end endl entry enum eval event explicit export extends extern
    fallthrough false family final fixed float forall foreach foreign friend func function get go goto group hiding
    implement implements implicit imports include infix infixl infixr inline instance instanceof int interface
    internal into iomanip iostream java join length let lock long main map maximum mdo minimum mod module mutable
    name namespace native new newtype not_eq npos null object operator or_eq orderby out override package params
    partial private proc protected prototype public qualified range readonly rec ref register reinterpret_cast
    remove sbyte sealed select set short sizeof stackalloc static static_cast std strictfp string struct super
    switch synchronized template then this throw throws transient true type typedef typeid typename typeof uint
    ulong unchecked undefined union unsafe unsigned ushort using value var virtual void volatile wchar_t where xor
    xor_eq
"""
RESERVED = frozenset(_RESERVED.split())


def words(name: str) -> list[str]:
    """The words of a name.

    >>> words("differ_At_One_BitPos"), words("HTTPServer2")
    (['differ', 'At', 'One', 'Bit', 'Pos'], ['HTTP', 'Server2'])
    """
    return [each.replace("_", "") for each in _WORD.sub(lambda found: " " + found[0], name).split()]


def snake(name: str) -> str:
    """As functions are called in Python and Rust.

    >>> snake("differ_At_One_BitPos")
    'differ_at_one_bit_pos'
    """
    return "_".join(each.lower() for each in words(name))


def camel(name: str) -> str:
    """As functions are called in C++, Go, Java, JavaScript and Kotlin.

    >>> camel("get_max_2d")
    'getMax2D'
    """
    first, *rest = _spoken(name)
    return "".join([first.lower(), *map(str.title, rest)])


def pascal(name: str) -> str:
    """As methods are called in C#.

    >>> pascal("get_max")
    'GetMax'
    """
    return "".join(map(str.title, _spoken(name)))


def _spoken(name: str) -> list[str]:
    found = words(name)
    return found if found[0] else found[1:]
