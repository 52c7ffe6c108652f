"""The thresholds of the filters, as one value.

They are those of StarCoder (arXiv 2305.06161) and StarCoder 2 (arXiv 2402.19173) where those published one, and
for prose those of Gopher (arXiv 2112.11446, appendix A). The others are our own, and say why.
"""

from dataclasses import dataclass
from typing import NamedTuple

from codegem.data.rules.licence_names import PERMISSIVE


class Verdict(NamedTuple):
    """Why a file is rejected.

    Attributes:
        reason: a short fixed phrase.
        detail: the value and the limit.
        rule: what in the recipe says so.
        place: where in the file, as "line 7" or "byte 90"; empty where it is said of the whole file.
    """

    reason: str
    detail: str
    rule: str
    place: str = ""


def line_of(text: str, position: int) -> str:
    """The place of a character.

    >>> line_of("a\\nb", 2)
    'line 2'
    """
    return f"line {text.count(chr(10), 0, position) + 1}"


@dataclass(frozen=True)
class FilterRules:
    """Thresholds of the filters.

    Attributes:
        languages: names of `text.languages`.
        min_bytes, max_bytes: size of a file.
        max_line, max_mean_line: characters of the longest line and of the mean line of code.
        min_alphanumeric: share of characters that are letters or digits, white space not counted.
        min_white_space: share of characters that are white space. Code that people write has 0.15 to 0.4;
            minified code broken into lines has less than 0.03.
        max_encoded, max_encoded_share: characters in the longest run of base64, hexadecimal or escaped
            data, and the share of the file in such runs.
        max_error_share: share of a file's bytes that its grammar makes no sense of. Of real files in eight
            languages none has 0.1, but for C++ full of macros (4 of 100) and headers in another language.
        header_lines: lines in which a "generated" notice is looked for.
        min_words: words of a prose file.
        min_word_length, max_word_length: characters of the mean word of prose.
        min_alphabetic: share of prose's words that hold a letter.
        skip_folders: folders that hold other people's code, under other licences, or what a tool made.
        built_folders: folders that hold JavaScript and TypeScript that a tool made from other files.
        licences: SPDX identifiers that may be trained on.
        unknown_licence: keep files whose licence was not recognised.
    """

    languages: tuple[str, ...] = ("python",)
    min_bytes: int = 32
    max_bytes: int = 1_000_000
    max_line: int = 1000
    max_mean_line: int = 100
    min_alphanumeric: float = 0.25
    min_white_space: float = 0.03
    max_encoded: int = 1024
    max_encoded_share: float = 0.5
    max_error_share: float = 0.1
    header_lines: int = 10
    min_words: int = 50
    min_word_length: float = 3.0
    max_word_length: float = 10.0
    min_alphabetic: float = 0.8
    skip_folders: tuple[str, ...] = (
        "Pods",
        "__pycache__",
        "_vendor",
        "bower_components",
        "node_modules",
        "prebuilds",
        "site-packages",
        "third_party",
        "thirdparty",
        "vendor",
        "vendored",
    )
    built_folders: tuple[str, ...] = ("_cjs", "_esm", "_types", "bundles", "cjs", "commonjs", "dist", "esm", "umd")
    licences: tuple[str, ...] = PERMISSIVE
    unknown_licence: bool = False
