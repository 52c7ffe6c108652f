"""Rules on natural language: Markdown and plain text that people wrote for people.

The rules and numbers are Gopher's for documents (arXiv 2112.11446, appendix A) where they do not depend on a
document's being a web page.
"""

from codegem.data.rules.code_rules import Source, encoded_data, few_letters, generated
from codegem.data.rules.filter_rules import FilterRules, Verdict

# English ones, as most documents of source repositories are; a text needs two.
_STOP_WORDS = frozenset(("the", "be", "to", "of", "and", "that", "have", "with"))


def reject_prose(text: str, rules: FilterRules) -> Verdict | None:
    """Why a text is no prose to learn from, or None: the first rule that speaks."""
    source = Source(text)
    return (
        generated(source, rules)
        or few_letters(source, rules)
        or _reject_words(text, rules)
        or encoded_data(source, rules)
    )


def _reject_words(text: str, rules: FilterRules) -> Verdict | None:
    words = text.split()
    count = max(1, len(words))
    mean = sum(map(len, words)) / count
    if len(words) < rules.min_words:
        return Verdict("few words", f"{len(words)}, at least {rules.min_words}", "filters.min_words")
    if not rules.min_word_length <= mean <= rules.max_word_length:
        detail = f"{mean:.1f} characters, of {rules.min_word_length} to {rules.max_word_length}"
        return Verdict("word length", detail, "filters.max_word_length")
    share = sum(not word.isascii() or word.lower() != word.upper() for word in words) / count
    if share < rules.min_alphabetic:
        return Verdict(
            "few alphabetic words", f"{share:.2f}, at least {rules.min_alphabetic}", "filters.min_alphabetic"
        )
    if len(_STOP_WORDS.intersection(word.lower() for word in set(words))) < 2:
        return Verdict("not prose", "fewer than two of the words that every text has", "English stop words")
    return None
