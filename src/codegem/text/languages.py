"""One table of programming languages; a further language is one more row."""

from dataclasses import dataclass
from pathlib import PurePosixPath


@dataclass(frozen=True)
class Language:
    """What the project knows of a language.

    Attributes:
        extensions: file name endings, with the dot.
        line_comment: what begins a comment that runs to the end of the line.
    """

    name: str
    extensions: tuple[str, ...]
    line_comment: str


LANGUAGES: tuple[Language, ...] = (
    Language("python", (".py", ".pyi"), "#"),
    Language("javascript", (".js", ".jsx", ".mjs", ".cjs"), "//"),
    Language("typescript", (".ts", ".tsx", ".mts", ".cts"), "//"),
    Language("java", (".java",), "//"),
    Language("kotlin", (".kt", ".kts"), "//"),
    Language("go", (".go",), "//"),
    Language("rust", (".rs",), "//"),
    Language("c", (".c", ".h"), "//"),
    Language("cpp", (".cc", ".cpp", ".cxx", ".hh", ".hpp", ".hxx"), "//"),
    Language("csharp", (".cs",), "//"),
)
_BY_EXTENSION = {extension: language for language in LANGUAGES for extension in language.extensions}


def language_of(path: str) -> str | None:
    """The language of a file by its name, or None.

    >>> language_of("src/app.tsx"), language_of("README.md")
    ('typescript', None)
    """
    language = _BY_EXTENSION.get(PurePosixPath(path).suffix.lower())
    return language.name if language else None
