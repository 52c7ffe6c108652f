"""Unit tests and what they test: matched by their names, their folders and their imports.

The conventions (`TestFoo.java`, `foo_test.go`, `foo.spec.ts`, …) stand in the rows of `text.languages`. How CodeGemma
matched tests is not published beyond "TestFoo.java beside Foo.java"; the score and its weights are ours.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from posixpath import dirname

from codegem.text.languages import Language, find_language

# What makes up a score: the name alone is enough, part of a name needs an import to bear it out.
_NAME, _FOLDERS, _IMPORT = 0.6, 0.2, 0.2
# A file in a folder of tests whose own name says nothing may be a helper, and needs a second sign.
_UNMARKED = 0.75
# Folders that say on which side of a project a file lies, and not what it is about.
_SIDES = {"src", "main", "lib", "app", "java", "kotlin", "spec", "test", "tests", "__tests__", "testing", "unit"}
_SAME_NAME = 100  # files of one name that a test is compared with, besides those that it imports
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


@dataclass(frozen=True)
class Named:
    """A file's name, read for the match.

    Attributes:
        words: of its name, without what makes it a test: `test_HTTPServer` -> ("http", "server").
        about: words of the folders that say what it is about.
        is_test: it is a test, by its name or its folder.
        is_marked: it is a test by its name.
    """

    path: str
    words: tuple[str, ...]
    about: tuple[str, ...]
    is_test: bool
    is_marked: bool
    family: str


def is_test(path: str) -> bool:
    """Whether a file is a unit test by the conventions of its language.

    >>> [is_test(path) for path in ("test_a.py", "contest.py", "src/test/java/A.java", "a.spec.ts", "test.py")]
    [True, False, True, True, False]
    """
    named = read_name(path)
    return named is not None and named.is_test


def match_tests(
    paths: Collection[str], imports: Mapping[str, Iterable[str]], threshold: float
) -> tuple[tuple[str, str], ...]:
    """Each unit test with the file that it tests, where one scores at least `threshold`.

    Ties go to a file that the test imports, then to the one with the fewest folders, then to the first path in
    lexicographic order.

    >>> match_tests(["a/foo.py", "b/foo.py", "tests/b/test_foo.py"], {}, 0.5)
    (('tests/b/test_foo.py', 'b/foo.py'),)

    Args:
        paths: every source file of a repository.
        imports: the files that a file imports.
        threshold: between 0 and 1.
    """
    names = [named for path in sorted(paths) if (named := read_name(path))]
    by_path = {named.path: named for named in names}
    sources = _Sources(names)
    pairs = []
    for test in names:
        if test.is_test and test.words:
            imported = [by_path[path] for path in imports.get(test.path, ()) if path in by_path]
            wanted = {(each.family, each.words) for each in imported}
            direct = {each.path for each in imported}
            scored = [
                (score(test, each, (each.family, each.words) in wanted), each)
                for each in sources.candidates(test, imported, wanted)
            ]
            best = min(scored, key=lambda pair: (-pair[0], *_tie(pair[1], direct)), default=None)
            if best and best[0] >= threshold:
                pairs.append((test.path, best[1].path))
    return tuple(pairs)


class _Sources:
    """The files that are no tests, by their names."""

    def __init__(self, names: Iterable[Named]):
        self._by_words: dict[tuple, list[Named]] = {}
        for named in names:
            if not named.is_test and named.words:
                for key in ((named.family, named.words), (named.family, named.words, named.about)):
                    self._by_words.setdefault(key, []).append(named)

    def candidates(self, test: Named, imported: Sequence[Named], wanted: Collection[tuple]) -> Iterator[Named]:
        """Files of the test's name, and of the beginning of its name where it imports one of that name."""
        for length in range(len(test.words), 0, -1):
            key = (test.family, test.words[:length])
            if length == len(test.words) or key in wanted:
                yield from (each for each in imported if not each.is_test and (each.family, each.words) == key)
                yield from self._by_words.get((*key, test.about), ())[:_SAME_NAME]
                yield from self._by_words.get(key, ())[:_SAME_NAME]


def score(test: Named, source: Named, imports: bool) -> float:
    """How well a test's name fits a source, between 0 and 1.

    Args:
        imports: whether the test imports the source, or a file of the same name such as its header.
    """
    name = len(source.words) / len(test.words)
    shared = set(test.about) & set(source.about)
    union = set(test.about) | set(source.about)
    folders = len(shared) / len(union) if union else 1.0
    value = (_NAME * name if test.is_marked else _NAME * _UNMARKED * name) + _FOLDERS * folders + _IMPORT * imports
    return round(min(value, 1.0), 6)


def _tie(source: Named, imported: Collection[str]) -> tuple[bool, bool, int, str]:
    """A header stands behind what implements it, though the test imports the header."""
    is_header = source.path.rpartition(".")[2].startswith("h")
    return is_header, source.path not in imported, source.path.count("/"), source.path


def read_name(path: str) -> Named | None:
    """A file's name, or None for what is no program."""
    row = find_language(path)
    if row is None or row.imports is None:
        return None
    folders = dirname(path).split("/")
    stem = _stem(path, row)
    inner = next((rest for pattern in row.tests.stems if (rest := _inner(stem, pattern))), None)
    in_tests = any(folder in row.tests.folders for folder in folders)
    if stem in row.index:
        stem = folders.pop() if folders else stem
    about = tuple(folder.lower() for folder in folders if folder and folder.lower() not in _SIDES)
    return Named(path, _words(inner or stem), about, bool(inner) or in_tests, bool(inner), row.imports.resolver)


def _stem(path: str, row: Language) -> str:
    name = path.rpartition("/")[2]
    stem = name[: name.rindex(".")]
    return stem.removesuffix(".d") if row.name == "typescript" else stem


def _inner(stem: str, pattern: str) -> str | None:
    """What `*` of a pattern stands for, or None where it doesn't fit."""
    before, _, after = pattern.partition("*")
    if len(stem) <= len(before) + len(after) or not (stem.startswith(before) and stem.endswith(after)):
        return None
    inner = stem[len(before) : len(stem) - len(after)]
    if before[-1:].isalpha() and inner[0].islower():
        return None
    return None if after[:1].isalpha() and inner[-1].isupper() else inner


def _words(name: str) -> tuple[str, ...]:
    return tuple(word.lower() for word in _WORD.findall(name))
