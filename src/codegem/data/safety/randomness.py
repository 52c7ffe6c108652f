"""How random a short text looks: random letters against text that people write in code.

A table holds how likely each letter follows each other letter in the identifiers and strings of source code
(323,874 different words of 60 source distributions from the Python package index, runs of 16 and more
hexadecimal digits left out). A text is scored by the logarithm of the ratio of two likelihoods: that of letters drawn
evenly, and that of the table. Entropy counts how often each letter occurs and not what follows what, and so
takes long identifiers for keys.
"""

import itertools
import math
import re
import string

# -4 log2 of the probability that the column's character follows the row's: quarters of a bit, as digits of
# base 64. Rows and columns: a to z, then any digit, then anything else.
_TABLE = (
    "WJGHZSIgKiTCHEjJeDEALSWPPZSL",
    "AROQEVVXHJYASZFUWJKTFbceIfLD",
    "DYOVDXfDMmFHWc8VaJLDKcfmRkQH",
    "DPSL8QTZDLdONaHThPJQLaaZRjP8",
    "KWIGQNReVfdHLETMRC9GZQRJRfUC",
    "CWRUFHYd8gSHYTAaiGOLIhbiRjMG",
    "LYTU7QLMFhdLTJFWfEHMKachVcSA",
    "BZXU9SfZGhZRPVBYdMOGHYdhRhPA",
    "LMGHINJhcgXGI8DNYLFDbMlQmMZQ",
    "6VWW8XXXLXUUWVEQVXCXKUOYZXOK",
    "LRPN6SSZGaWNUNRSeUFRMYJcWeP8",
    "DTRI9NXdCmZFXbDSlZJHIVciMiUD",
    "BMXU8aXcEeXNKPEDbbKTLfciNgRC",
    "FZGEEMCXIdPQXNFRhZFCNNdYUhVC",
    "OOHHXQOeOVMIF9KJnBLJHNLUbebH",
    "BXWPBbXOJjQEacDIgDMGJcdfIlQG",
    "RXUQTWSVVYUDWYUSVROT2YVZTZOH",
    "DXMM8TLdEmPPJNEXcJGIMRYnJlVE",
    "LdMaCWWKGjORWXLLUUG7KbVjPmV9",
    "FcQW8XbHDpjUTbHRjGIMOgZeLfW9",
    "NIMNCQNkKffDGCUFeDEBZceahcWU",
    "8aXY5cVcBXaYVbMWdaQbaYbfbdLI",
    "CYWRCWYK8eSSWGDZaGHQabVbceRC",
    "HZFVFUbWFbeTNWWDcYT9ZXbFLeIA",
    "OQNPKSTaOcaMLGQBcSGFWXQcVYQ5",
    "DVVT4WXQHWXTQVHWZVRXRYUWJHNI",
    "PPPOPPZaabZXSSZWcXVWaZaTcb2B",
    "GKEGIHMNHVQJIJKHWHEGMNLXccII",
)
_DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase + "+/"
_CLASSES = string.ascii_lowercase + "0_"
_WRITTEN = {
    first + second: _DIGITS.index(_TABLE[row][column]) / 4
    for row, first in enumerate(_CLASSES)
    for column, second in enumerate(_CLASSES)
}
# The same for the case of the second of two letters, from the same words.
_CASE = {(False, False): 0.02, (False, True): 6.07, (True, False): 1.41, (True, True): 0.68}
_FOLD = {ord(digit): "0" for digit in string.digits}
_HEXADECIMAL = frozenset("abcdef0")
_OTHER = re.compile(r"[^a-z0]")


def random_bits(text: str) -> float:
    """How many bits speak for random characters and against text that people wrote; below 0 it is the other way.

    Args:
        text: up to some hundred characters.

    >>> random_bits("get_authentication_backend_2") < -40
    True
    >>> random_bits("q7RkZ0vT2mXp9LwB4sYd") > 20
    True
    """
    folded = _OTHER.sub("_", text.lower().translate(_FOLD)) if text.isascii() else ""
    if len(folded) < 2:
        return 0.0
    written = sum(_WRITTEN[folded[i : i + 2]] for i in range(len(folded) - 1))
    two_cases = text != text.lower() and text != text.upper()
    letters, digits = 64.0 if two_cases else 37.0, folded.count("0", 1)
    if _HEXADECIMAL.issuperset(folded):
        letters = 16.0
    drawn = (len(folded) - 1) * math.log2(letters) - digits * math.log2(10)
    if two_cases:
        pairs = itertools.pairwise(text)
        written += sum(_CASE[a.isupper(), b.isupper()] for a, b in pairs if a.isalpha() and b.isalpha())
    return written - drawn
