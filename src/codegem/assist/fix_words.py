"""The keywords of a language, and words that are nearly one."""

from functools import cache

from codegem.text import syntax
from codegem.text.languages import grammar_of


@cache
def keywords(path: str) -> frozenset[str]:
    """The words that the grammar of a file's language has rules for.

    >>> {"def", "lambda"} <= keywords("a.py"), "fn" in keywords("a.rs"), keywords("notes.txt")
    (True, True, frozenset())
    """
    grammar = grammar_of(path)
    if grammar is None:
        return frozenset()
    language = syntax.language(grammar)
    words = (
        language.node_kind_for_id(number)
        for number in range(1, language.node_kind_count)  # 0 is the end of a file
        if language.node_kind_is_visible(number) and not language.node_kind_is_named(number)
    )
    return frozenset(word for word in words if word and word.isalpha())


def is_slip(word: str, keyword: str) -> bool:
    """Whether one letter more, less, other, or two in the wrong order make a word of a keyword.

    >>> [is_slip(word, "return") for word in ("retrun", "retun", "returnn", "return", "rerunt")]
    [True, True, True, False, False]
    """
    if word == keyword or abs(len(word) - len(keyword)) > 1:
        return False
    if len(word) == len(keyword):
        differing = [i for i, (a, b) in enumerate(zip(word, keyword, strict=True)) if a != b]
        if len(differing) == 2:
            first, second = differing
            return second == first + 1 and word[first] == keyword[second] and word[second] == keyword[first]
        return len(differing) == 1
    short, long = sorted((word, keyword), key=len)
    return any(long[:i] + long[i + 1 :] == short for i in range(len(long)))
