"""What is shown of a text that a model wrote: one small function for each rule (docs/ASSIST.md).

`ALWAYS` holds for every text, the others where they are asked for: first those that put white space right, then those
that shorten the text. A rule sees what those before it have left.
"""

from codegem.assist.rules.brackets import closing_quote, unbalanced_closer
from codegem.assist.rules.following import next_line, suffix_overlap
from codegem.assist.rules.indenting import block_end
from codegem.assist.rules.lines import not_blank, one_line, trailing_space, whole_lines
from codegem.assist.rules.repeats import line_above, repeated_lines, repeated_words
from codegem.assist.rules.rule import Rule
from codegem.assist.rules.special import no_special_token
from codegem.assist.rules.spelling import (
    Respelling,
    blank_lines,
    first_indentation,
    leading_space,
    line_ends,
    tabs_or_spaces,
)

ALWAYS: tuple[Rule, ...] = (no_special_token,)
RESPELLINGS: tuple[Respelling, ...] = (
    line_ends,
    blank_lines,
    leading_space,
    first_indentation,
    tabs_or_spaces,
)
RULES: tuple[Rule, ...] = (
    # Where the text ends.
    one_line,
    whole_lines,
    closing_quote,
    unbalanced_closer,
    block_end,
    next_line,
    repeated_lines,
    repeated_words,
    # What of its end goes, and whether any of it stays.
    line_above,
    suffix_overlap,
    trailing_space,
    not_blank,
)
