"""Names that a text declares and uses, for languages where a file needs no import for what lies beside it.

Java, Kotlin and C# see the types of their own package or namespace without an import. So these names are read
from the whole text: comments and strings are blanked, and what is left is split into words, which runs at a
hundred times the speed of a visit of every node of a syntax tree.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

# Comments, text blocks, strings and characters, as Java, Kotlin and C# write them.
_QUIET = re.compile(
    rb'"""[\s\S]*?"""|"(?:[^"\\\n]|\\.)*+"|@"(?:[^"]|"")*+"|\'(?:[^\'\\\n]|\\.)*+\'|//[^\n]*+|/\*[\s\S]*?\*/'
)
_WORD_BYTES = bytes(c if chr(c).isalnum() or c == 0x5F or c >= 0x80 else 0x20 for c in range(256))
_PACKAGE = re.compile(rb"^[ \t]*(?:package|namespace)\s+([\w.]+)", re.MULTILINE)
_IMPORTS = re.compile(rb"(?<![\w.])(?:(?:import|package)\s[^;\n]*+|using\s+(?:static\s+)?(?:\w+\s*=\s*)?[\w.:<>, ]++;)")
_DEEP = 32  # namespaces within namespaces
_TYPE = re.compile(rb"(?:[ \t]+(?:class|struct))?\s+(\w+)")
# What stands between a word that declares and the name.
_NAMES = {
    b"namespace": re.compile(rb"\s+([\w.]+)(\s*;)?"),
    b"delegate": re.compile(rb"[ \t]+[\w<>\[\],.?]+\s+(\w+)"),
    **dict.fromkeys((b"fun", b"val", b"var"), re.compile(rb"\s+(?:<[^>\n]{0,200}>\s*)?(?:[\w.<>?, ]{0,200}\.)?(\w+)")),
}
_MEMBERS = (b"fun", b"val", b"var")  # they can be imported from the top level only


def code_only(data: bytes) -> bytes:
    """A text without its comments and strings.

    >>> code_only(b'a = "b"; // c')
    b'a =  ;  '
    """
    return _QUIET.sub(b" ", data)


def without_imports(code: bytes, words: Sequence[str]) -> bytes:
    """A text without the statements that import: what they name is not used by that.

    Args:
        words: one of which every import holds.
    """
    last = max(code.rfind(word.encode()) for word in words)
    end = code.find(b"\n", last) + 1 or len(code)
    return _IMPORTS.sub(b"", code[:end]) + code[end:]


def used_names(code: bytes) -> dict[str, int]:
    """How often a text has each word that begins with a capital letter.

    >>> used_names(b"Foo a = new Foo(Bar.b);")
    {'Foo': 2, 'Bar': 1}
    """
    counts = Counter(code.translate(_WORD_BYTES).split())
    return {word.decode("utf-8", "replace"): count for word, count in counts.items() if word[:1].isupper()}


def qualified_names(code: bytes, package: str) -> tuple[str, ...]:
    """Dotted names that begin as the text's own package does, once each: types named with their package.

    >>> qualified_names(b"a.b.C c = new a.b.C(d.E());", "a.q")
    ('a.b.C',)
    """
    if not package:
        return ()
    pattern = re.compile(re.escape(package.partition(".")[0]).encode() + rb"(?:\.\w++)++")
    found = (match for match in pattern.finditer(code) if not code[max(0, match.start() - 1) : match.start()].isalnum())
    return tuple(dict.fromkeys(match[0].decode("utf-8", "replace") for match in found))


def declarations(code: bytes, words: Sequence[str]) -> tuple[str, list[tuple[str, str]], set[str]]:
    """The package of a text, its top-level (package, name) pairs, and the types that it declares within others.

    >>> declarations(b"package a.b; class C { enum D {} }", ("class", "enum"))
    ('a.b', [('a.b', 'C')], {'D'})

    Args:
        words: those that declare something.
    """
    match = _PACKAGE.search(code)
    package = match[1].decode("utf-8", "replace") if match else ""
    declared: dict[tuple[str, str], None] = {}
    nested: set[str] = set()
    for is_top, space, name in _declared(code, [word.encode() for word in words]):
        if is_top:
            declared.setdefault((package if space is None else space, name))
        else:
            nested.add(name)
    return package, list(declared), nested


def _declared(code: bytes, words: Sequence[bytes]) -> Iterator[tuple[bool, str | None, str]]:
    """(is at the top level, its C# namespace, name) of each declaration."""
    spaces: list[tuple[str, int]] = []  # namespaces, and the braces around each
    whole: list[str] = []  # the namespace of the whole file
    depth = last = 0
    for place, word in sorted(pair for each in words for pair in _occurrences(code, each)):
        depth = max(0, depth + code.count(b"{", last, place) - code.count(b"}", last, place))
        last = place
        while spaces and spaces[-1][1] >= depth:
            spaces.pop()
        match = _NAMES.get(word, _TYPE).match(code, place + len(word))
        if match is None:
            continue
        name = match[1].decode("utf-8", "replace")
        is_top = depth == len(spaces)
        if word == b"namespace":
            if match[2]:
                whole = [name]
            elif len(spaces) < _DEEP:
                spaces.append((name, depth))
        elif is_top or word not in _MEMBERS:
            yield is_top, ".".join(whole + [space for space, _ in spaces]) or None, name


def _occurrences(code: bytes, word: bytes) -> Iterator[tuple[int, bytes]]:
    """Where a word stands by itself."""
    place = code.find(word)
    while place >= 0:
        before, after = code[max(0, place - 1) : place], code[place + len(word) : place + len(word) + 1]
        if after.isspace() and not (before.isalnum() or before in (b"_", b".", b":")):
            yield place, word
        place = code.find(word, place + 1)
