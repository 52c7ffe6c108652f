"""Strings that are hard on tokenizers."""

from hypothesis import strategies as st

from codegem.text.tokenizer import NAMES

SPECIAL_NAMES = sorted({alias for aliases in NAMES.values() for alias in aliases})
_FRAGMENTS = [
    *SPECIAL_NAMES,
    *("<unused", "60>", "<|", "|>", "fim_prefix", "<0x41>", "[@BOS@]", "<mask>", "<table>"),
    *(
        " ",
        "  ",
        "    ",
        " " * 33,
        "\t",
        "\t\t",
        "\t" * 9,
        "\n",
        "\n\n",
        "\n\n\n\n",
        "\r\n",
        "\r",
        "\x00",
        "\x85",
        "\u2028",
    ),
    *(
        "é",
        "e\u0301",
        "😀",
        "👩‍💻",
        "中文",
        "ﬁ",
        "\ufeff",
        "\u202e",
        "def f(x):",
        "return",
        "0123456789",
        "a1b2",
        "__init__",
    ),
]
# Any string at all, or one made of the names of special tokens and of white space.
strings = st.text() | st.lists(st.sampled_from(_FRAGMENTS) | st.text(max_size=4), max_size=12).map("".join)
