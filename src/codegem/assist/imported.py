"""Signatures of what a file imports from other files of its folder."""

import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from codegem.assist.index import Index, Snapshot
from codegem.assist.similar import words_of
from codegem.assist.snippets import Snippet
from codegem.data.imports import RESOLVERS, FileFacts, GraphFile, Use, read_facts
from codegem.data.imports.naming import code_only, declarations
from codegem.data.imports.resolving import Resolver
from codegem.text.declarations import signatures
from codegem.text.languages import find_language
from codegem.text.signatures import Signature, offered, render
from codegem.text.syntax import WAITED

_LINES, _IMPORTS = 1000, 200  # of a file that are read for imports, and that are followed
_FILES = 24  # imported files of which signatures are shown
_KEPT = 256  # files of which signatures and answers are remembered
_HOPS = 2  # files that only pass on what others declare
_PASSING = ("python", "javascript")  # resolvers of the languages that have such files
_BY_NAME = ("jvm", "dotnet", "go")  # resolvers that must know what every file declares


class Imported:
    """Answers which signatures stand behind a file's imports; safe to use from any thread.

    What a text imports is read again only when a line with an import, or another file, changes: while a person types,
    the answer stays as it is, byte for byte.
    """

    def __init__(self, index: Index):
        self._index = index
        self._lock = threading.Lock()
        self._facts: dict[str, FileFacts] = {}  # of the files of languages whose imports name no path
        self._changes = 0
        self._answers: OrderedDict[str, _Answer] = OrderedDict()
        self._signatures: OrderedDict[tuple[str, int], tuple[Signature, ...]] = OrderedDict()
        self._resolvers: dict[str, tuple[object, Resolver]] = {}

    def learn(self, path: str, text: str | None) -> None:
        """A file was read, or is gone."""
        language = find_language(path)
        rule = language.imports if language else None
        facts = None
        if text is not None and language and rule and rule.resolver in ("jvm", "dotnet"):
            package, declared, nested = declarations(code_only(text.encode()), rule.declaring)
            facts = FileFacts(path, language.name, (), package, tuple(declared), frozenset(nested))
        elif text is not None and language and rule and rule.resolver == "go":
            facts = replace(self._read(path, text, language.name), used={}, qualified=())
        with self._lock:
            if facts is None:
                if self._facts.pop(path, None) is None:
                    return
            elif self._facts.get(path) == facts:
                return
            else:
                self._facts[path] = facts
            self._changes += 1

    def snippets(self, path: str, text: str) -> tuple[Snippet, ...]:
        """Signatures of what a file imports, one snippet a file, the more important with the higher score."""
        language = find_language(path)
        snapshot = self._index.snapshot()
        if snapshot is None or language is None or language.imports is None:
            return ()
        words = language.imports.words
        lines = [line for line in text.split("\n", _LINES)[:_LINES] if any(word in line for word in words)]
        key = (hash("\n".join(lines)), snapshot.number, self._changes if language.imports.resolver in _BY_NAME else 0)
        with self._lock:
            known = self._answers.get(path)
        if known and known.key == key and all(self._index.digest(each) == was for each, was in known.read):
            return known.snippets
        facts = self._read(path, text, language.name)
        answer = self._answer(key, facts, text, snapshot)
        with self._lock:
            _keep(self._answers, path, answer)
        return answer.snippets

    def _read(self, path: str, text: str, language: str) -> FileFacts:
        file = GraphFile(path, text.encode("utf-8", "replace"), language)
        return read_facts(file, _LINES, _IMPORTS, seconds=WAITED)

    def _answer(self, key: object, facts: FileFacts, text: str, snapshot: Snapshot) -> "_Answer":
        wanted = facts.mentioned
        used = words_of(text)
        weights: dict[str, int] = {}
        for use in self._uses(facts, snapshot):
            weights[use.path] = weights.get(use.path, 0) + use.names * (1 if use.weak else 4)
        weights.pop(facts.path, None)
        chosen: dict[str, list[Signature]] = {}
        scores: dict[str, int] = {}
        for path in sorted(weights, key=lambda path: (-weights[path], path))[:_FILES]:
            for other, found in self._chosen(path, wanted, snapshot, _HOPS):
                if other != facts.path and other not in chosen and len(chosen) < _FILES:
                    chosen[other], scores[other] = found, weights[path]
        read = tuple((path, self._index.digest(path)) for path in {*chosen, *weights})
        snippets = []
        for path, found in chosen.items():
            if shown := render(offered(found, wanted, used), path):
                snippets.append(Snippet(path, shown, "signatures", scores[path]))
        return _Answer(key, tuple(snippets), read)

    def _chosen(
        self, path: str, wanted: frozenset[str], snapshot: Snapshot, hops: int
    ) -> Iterator[tuple[str, list[Signature]]]:
        """Of a file the signatures of wanted names, all where it declares none; and where it imports others itself,
        to pass them on, those of the files that declare them."""
        text = self._index.text(path)
        if text is None:
            return
        found = self._of(path, text)
        own = [each for each in found if each.name in wanted]
        missing = wanted - {each.name for each in own}
        passed: list[tuple[str, list[Signature]]] = []
        for other in self._passed_on(path, text, missing, snapshot) if hops and missing else ():
            for each, inner in self._chosen(other, missing, snapshot, hops - 1):
                if named := [signature for signature in inner if signature.name in missing]:
                    passed.append((each, named))
        if own or not passed:
            yield path, own or list(found)
        yield from passed

    def _passed_on(self, path: str, text: str, wanted: frozenset[str], snapshot: Snapshot) -> list[str]:
        """Files from which a file imports wanted names, or all names, for those who import it."""
        language = find_language(path)
        if language is None or language.imports is None or language.imports.resolver not in _PASSING:
            return []
        facts = self._read(path, text, language.name)
        # `export * from` names nothing; in Python, `from a import *` says so, and `import a` passes nothing on.
        all_of = ((), ("*",)) if language.name != "python" else (("*",),)
        passing = [each for each in facts.imports if wanted.intersection(each.names) or each.names in all_of]
        uses = self._uses(replace(facts, imports=tuple(passing)), snapshot)
        return [use.path for use in uses if use.path != path][:_FILES]

    def _of(self, path: str, text: str) -> tuple[Signature, ...]:
        key = path, hash(text)
        with self._lock:
            if key in self._signatures:
                return self._signatures[key]
        found = signatures(text, path, seconds=WAITED)
        with self._lock:
            _keep(self._signatures, key, found)
        return found

    def _uses(self, facts: FileFacts, snapshot: Snapshot) -> list[Use]:
        language = find_language(facts.path)
        if language is None or language.imports is None:
            return []
        resolver = self._resolver(language.imports.resolver, snapshot)
        return list(islice(resolver(facts, snapshot.tree), _IMPORTS))

    def _resolver(self, name: str, snapshot: Snapshot) -> Resolver:
        with self._lock:
            key = snapshot.number, self._changes if name in _BY_NAME else 0
            known = self._resolvers.get(name)
            if known and known[0] == key:
                return known[1]
            others = [each for each in self._facts.values() if each.path in snapshot.tree]
        resolver = RESOLVERS[name](others, snapshot.tree)
        with self._lock:
            self._resolvers[name] = key, resolver
        return resolver


@dataclass(frozen=True)
class _Answer:
    """What was found, and on what it rests.

    Attributes:
        key: of the lines that import, and of what names mean.
        read: files whose signatures were looked at, with the hash of each.
    """

    key: object
    snippets: tuple[Snippet, ...]
    read: tuple[tuple[str, bytes | None], ...]


def _keep(known: "OrderedDict[Any, Any]", key: object, value: object) -> None:
    known[key] = value
    known.move_to_end(key)
    while len(known) > _KEPT:
        known.popitem(last=False)
