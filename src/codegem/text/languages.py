"""One table of languages; a further language is one more row."""

from dataclasses import dataclass
from pathlib import PurePosixPath

Grammar = tuple[str, str]  # a tree-sitter package, and the function in it that gives the grammar

_CPP: Grammar = ("tree_sitter_cpp", "language")
_TYPESCRIPT = "tree_sitter_typescript"


@dataclass(frozen=True)
class Language:
    """What the project knows of a language.

    Attributes:
        extensions: file name endings, with the dot.
        line_comment: what begins a comment that runs to the end of the line; "" where there is none.
        grammar: what parses it; None for prose.
        dialects: extensions that another grammar parses.
    """

    name: str
    extensions: tuple[str, ...]
    line_comment: str = "//"
    grammar: Grammar | None = None
    dialects: tuple[tuple[str, Grammar], ...] = ()

    @property
    def is_code(self) -> bool:
        """Whether it is a programming language; else it is natural language."""
        return self.grammar is not None


LANGUAGES: tuple[Language, ...] = (
    Language("python", (".py", ".pyi"), "#", grammar=("tree_sitter_python", "language")),
    Language("javascript", (".js", ".jsx", ".mjs", ".cjs"), grammar=("tree_sitter_javascript", "language")),
    Language(
        "typescript",
        (".ts", ".tsx", ".mts", ".cts"),
        grammar=(_TYPESCRIPT, "language_typescript"),
        dialects=((".tsx", (_TYPESCRIPT, "language_tsx")),),
    ),
    Language("java", (".java",), grammar=("tree_sitter_java", "language")),
    Language("kotlin", (".kt", ".kts"), grammar=("tree_sitter_kotlin", "language")),
    Language("go", (".go",), grammar=("tree_sitter_go", "language")),
    Language("rust", (".rs",), grammar=("tree_sitter_rust", "language")),
    # A header may be C++; its grammar reads C too.
    Language("c", (".c", ".h"), grammar=("tree_sitter_c", "language"), dialects=((".h", _CPP),)),
    Language("cpp", (".cc", ".cpp", ".cxx", ".hh", ".hpp", ".hxx"), grammar=_CPP),
    Language("csharp", (".cs",), grammar=("tree_sitter_c_sharp", "language")),
    Language("markdown", (".md", ".markdown"), ""),
    Language("text", (".rst", ".txt"), ""),
)
CODE = tuple(language.name for language in LANGUAGES if language.is_code)

_BY_EXTENSION = {extension: language for language in LANGUAGES for extension in language.extensions}


def language_of(path: str) -> str | None:
    """The language of a file by its name, or None.

    >>> language_of("src/app.tsx"), language_of("photo.png")
    ('typescript', None)
    """
    language = _BY_EXTENSION.get(PurePosixPath(path).suffix.lower())
    return language.name if language else None


def grammar_of(path: str) -> Grammar | None:
    """What parses a file by its name, or None.

    >>> grammar_of("src/app.tsx")
    ('tree_sitter_typescript', 'language_tsx')
    """
    suffix = PurePosixPath(path).suffix.lower()
    language = _BY_EXTENSION.get(suffix)
    return dict(language.dialects).get(suffix, language.grammar) if language else None
