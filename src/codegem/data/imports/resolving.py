"""From what was read of every file to the files that each one imports."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice

from codegem.data.imports import by_name, by_path, go, python, rust
from codegem.data.imports.naming import code_only, declarations, qualified_names, used_names, without_imports
from codegem.data.imports.reading import read_imports
from codegem.data.imports.records import FileFacts, GraphFile, Use
from codegem.data.imports.tree import RepositoryTree
from codegem.text.languages import LANGUAGES

Resolver = Callable[[FileFacts, RepositoryTree], Iterator[Use]]
Maker = Callable[[Sequence[FileFacts], RepositoryTree], Resolver]


def _plain(resolver: Resolver) -> Maker:
    return lambda files, tree: resolver


def _go(files: Sequence[FileFacts], tree: RepositoryTree) -> Resolver:
    return partial(go.packages, known=go.Packages(files, tree))


def _jvm(files: Sequence[FileFacts], tree: RepositoryTree) -> Resolver:
    return partial(by_name.jvm, types=by_name.Types(_own(files, "jvm"), tree))


def _dotnet(files: Sequence[FileFacts], tree: RepositoryTree) -> Resolver:
    own = _own(files, "dotnet")
    usings = [by_name.usings(each.target) for file in own for each in file.imports]
    everywhere = tuple(dict.fromkeys(path for _, is_global, path in usings if is_global))
    return partial(by_name.dotnet, types=by_name.Types(own, tree), everywhere=everywhere)


# By the name in `Imports.resolver`: what makes of a repository the function from a file to what it imports.
RESOLVERS: dict[str, Maker] = {
    "python": _plain(python.modules),
    "javascript": _plain(by_path.modules),
    "include": _plain(by_path.includes),
    "rust": _plain(rust.modules),
    "go": _go,
    "jvm": _jvm,
    "dotnet": _dotnet,
}
_BY_NAME = ("jvm", "dotnet")
_ROWS = {language.name: language for language in LANGUAGES}


def read_facts(file: GraphFile, lines: int, most: int, *, seconds: float | None = None) -> FileFacts:
    """What the graph needs to know of a file, read once.

    Args:
        lines: how much of its top is searched for imports.
        most: imported names that are taken from one file at most.
        seconds: that the parser may take for it, as `text.syntax.parse` says.
    """
    rule = _ROWS[file.language].imports
    if rule is None:
        return FileFacts(file.path, file.language)
    imports = read_imports(file, rule, lines, most, seconds)
    if rule.resolver not in _BY_NAME:
        return FileFacts(file.path, file.language, imports)
    code = code_only(file.data)
    package, declared, nested = declarations(code, rule.declaring)
    body = without_imports(code, rule.words)
    return FileFacts(
        file.path,
        file.language,
        imports,
        package,
        tuple(declared),
        frozenset(nested),
        used_names(body),
        qualified_names(body, package),
    )


def resolve(files: Sequence[FileFacts], tree: RepositoryTree, most: int) -> Iterator[tuple[str, list[Use]]]:
    """Each file with the files of the repository that it imports, the first `most`; itself is not among them."""
    resolvers = {name: make(files, tree) for name, make in RESOLVERS.items()}
    for file in files:
        rule = _ROWS[file.language].imports
        uses = resolvers[rule.resolver](file, tree) if rule else ()
        yield file.path, [use for use in islice(uses, most) if use.path != file.path]


def _own(files: Sequence[FileFacts], resolver: str) -> list[FileFacts]:
    return [file for file in files if (rule := _ROWS[file.language].imports) and rule.resolver == resolver]
