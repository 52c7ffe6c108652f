"""One table of languages; a further language is one more row."""

from dataclasses import dataclass

Grammar = tuple[str, str]  # a tree-sitter package, and the function in it that gives the grammar

_CPP: Grammar = ("tree_sitter_cpp", "language")
_TYPESCRIPT = "tree_sitter_typescript"


@dataclass(frozen=True)
class Imports:
    """How a language names other files.

    Attributes:
        query: finds the import statements (tree-sitter's query language). `@target` is what is imported; `@name` is
            one name that is taken from it, in a match of its own; `@weak` is an import that needs nothing when the
            program runs.
        resolver: which rule of `data.imports` turns a target into files of the repository.
        words: every import statement holds one of them, so that what comes after the last one need not be searched.
        depth: levels of the tree in which imports are looked for; deeper ones are too rare for what they cost.
        deferring: node types inside which an import happens late or not always: functions.
        nesting: node types that make a module inside a file.
        declaring: words before the names that other files may use without a path to the file.
    """

    query: str
    resolver: str
    words: tuple[str, ...]
    depth: int
    deferring: tuple[str, ...] = ()
    nesting: tuple[str, ...] = ()
    declaring: tuple[str, ...] = ()


@dataclass(frozen=True)
class TestNames:
    """How unit tests are named.

    Attributes:
        stems: file names without the extension; `*` stands for the name of what is tested. A letter beside `*` and
            the letter that it stands for have to differ in case, so that `Test*` is no rule for `Testament`.
        folders: names of folders that hold tests.
    """

    __test__ = False  # for pytest: no test class

    stems: tuple[str, ...] = ()
    folders: tuple[str, ...] = ("test", "tests")


@dataclass(frozen=True)
class Language:
    """What the project knows of a language.

    Attributes:
        extensions: file name endings, with the dot.
        line_comment: what begins a comment that runs to the end of the line; "" where there is none.
        grammar: what parses it; None for prose.
        dialects: extensions that another grammar parses.
        imports: how a file names others; None where it does not.
        tests: how unit tests are named.
        index: file names, without the extension, that stand for the folder they lie in.
        group: "code", "prose" or "mathematics": what a mixture may weigh together.
    """

    name: str
    extensions: tuple[str, ...]
    line_comment: str = "//"
    grammar: Grammar | None = None
    dialects: tuple[tuple[str, Grammar], ...] = ()
    imports: Imports | None = None
    tests: TestNames = TestNames()
    index: tuple[str, ...] = ()
    group: str = "code"


_JS_QUERY = """
(import_statement source: (string) @target)
(import_statement (import_clause (named_imports (import_specifier name: (_) @name))) source: (string) @target)
(export_statement source: (string) @target)
(export_statement (export_clause (export_specifier name: (_) @name)) source: (string) @target)
(call_expression function: (identifier) @_f (#eq? @_f "require") arguments: (arguments . (string) @target))
(call_expression function: (import) arguments: (arguments . (string) @target))
"""
_JS_WORDS = ("import", "require", "from")
_JS_FUNCTIONS = ("function_declaration", "function_expression", "arrow_function", "method_definition")
_JS_TESTS = TestNames(
    ("*.test", "*.spec", "*-test", "*_test", "*Test", "*.e2e"), ("test", "tests", "__tests__", "spec")
)
_INCLUDES = Imports(
    "(preproc_include path: [(string_literal) (system_lib_string)] @target)", "include", ("include",), 8
)
_C_TESTS = TestNames(
    ("test_*", "test-*", "*_test", "*-test", "*_tests", "*_unittest", "*Test", "*Tests", "Test*", "t_*"),
    ("test", "tests", "unittest", "unittests", "t"),
)

LANGUAGES: tuple[Language, ...] = (
    Language(
        "python",
        (".py", ".pyi"),
        "#",
        grammar=("tree_sitter_python", "language"),
        imports=Imports(
            """
            (import_statement name: (dotted_name) @target)
            (import_statement name: (aliased_import name: (dotted_name) @target))
            (import_from_statement module_name: (_) @target)
            (import_from_statement module_name: (_) @target name: (dotted_name) @name)
            (import_from_statement module_name: (_) @target name: (aliased_import name: (dotted_name) @name))
            (import_from_statement module_name: (_) @target (wildcard_import) @name)
            (if_statement condition: (_) @_if (#match? @_if "TYPE_CHECKING")
                consequence: (block (import_from_statement module_name: (_) @target @weak)))
            (if_statement condition: (_) @_if (#match? @_if "TYPE_CHECKING")
                consequence: (block (import_statement name: (dotted_name) @target @weak)))
            """,
            "python",
            ("import",),
            12,
            deferring=("function_definition", "lambda"),
        ),
        tests=TestNames(("test_*", "*_test", "*_tests", "tests_*"), ("test", "tests", "testing")),
        index=("__init__",),
    ),
    Language(
        "javascript",
        (".js", ".jsx", ".mjs", ".cjs"),
        grammar=("tree_sitter_javascript", "language"),
        imports=Imports(_JS_QUERY, "javascript", _JS_WORDS, 20, deferring=_JS_FUNCTIONS),
        tests=_JS_TESTS,
        index=("index",),
    ),
    Language(
        "typescript",
        (".ts", ".tsx", ".mts", ".cts"),
        grammar=(_TYPESCRIPT, "language_typescript"),
        dialects=((".tsx", (_TYPESCRIPT, "language_tsx")),),
        imports=Imports(
            _JS_QUERY
            + """
            (import_require_clause source: (string) @target)
            (import_statement "type" @weak source: (string) @target)
            (export_statement "type" @weak source: (string) @target)
            """,
            "javascript",
            _JS_WORDS,
            12,
            deferring=_JS_FUNCTIONS,
        ),
        tests=_JS_TESTS,
        index=("index",),
    ),
    Language(
        "java",
        (".java",),
        grammar=("tree_sitter_java", "language"),
        imports=Imports(
            "(import_declaration) @target", "jvm", ("import",), 2, declaring=("class", "interface", "enum", "record")
        ),
        tests=TestNames(("*Test", "*Tests", "Test*", "*TestCase", "*IT")),
    ),
    Language(
        "kotlin",
        (".kt", ".kts"),
        grammar=("tree_sitter_kotlin", "language"),
        imports=Imports(
            "(import) @target",
            "jvm",
            ("import",),
            3,
            declaring=("class", "interface", "object", "typealias", "fun", "val", "var"),
        ),
        tests=TestNames(("*Test", "*Tests", "Test*", "*TestCase", "*IT", "*Spec"), ("test", "tests", "commonTest")),
    ),
    Language(
        "go",
        (".go",),
        grammar=("tree_sitter_go", "language"),
        imports=Imports("(import_spec path: (_) @target)", "go", ("import",), 4),
        tests=TestNames(("*_test",), ()),
    ),
    Language(
        "rust",
        (".rs",),
        grammar=("tree_sitter_rust", "language"),
        imports=Imports(
            "(use_declaration argument: (_) @target) (mod_item name: (identifier) @weak @target !body)",
            "rust",
            ("use", "mod"),
            8,
            deferring=("function_item",),
            nesting=("mod_item",),
        ),
        tests=TestNames(("*_test", "*_tests", "test_*"), ("tests",)),
        index=("mod",),
    ),
    # A header may be C++; its grammar reads C too.
    Language(
        "c",
        (".c", ".h"),
        grammar=("tree_sitter_c", "language"),
        dialects=((".h", _CPP),),
        imports=_INCLUDES,
        tests=_C_TESTS,
    ),
    Language("cpp", (".cc", ".cpp", ".cxx", ".hh", ".hpp", ".hxx"), grammar=_CPP, imports=_INCLUDES, tests=_C_TESTS),
    Language(
        "csharp",
        (".cs",),
        grammar=("tree_sitter_c_sharp", "language"),
        imports=Imports(
            "(using_directive) @target",
            "dotnet",
            ("using",),
            4,
            declaring=("class", "interface", "enum", "record", "struct", "delegate", "namespace"),
        ),
        tests=TestNames(
            ("*Tests", "*Test", "Test*", "*Spec", "*Specs", "*Fixture"), ("test", "tests", "Test", "Tests")
        ),
    ),
    Language("markdown", (".md", ".markdown"), "", group="prose"),
    Language("text", (".rst", ".txt"), "", group="prose"),
    Language("latex", (".tex",), "%", group="mathematics"),
)
CODE = tuple(language.name for language in LANGUAGES if language.group == "code")
GROUPS = tuple(dict.fromkeys(language.group for language in LANGUAGES))

_GROUPS = {language.name: language.group for language in LANGUAGES}
_BY_EXTENSION = {extension: language for language in LANGUAGES for extension in language.extensions}


def extension_of(path: str) -> str:
    """The ending of a file's name in lower case, with its dot, or "".

    >>> extension_of("src/App.TSX"), extension_of(".profile")
    ('.tsx', '')
    """
    stem, dot, ending = path.rpartition("/")[2].rpartition(".")
    return f".{ending.lower()}" if stem and dot and ending else ""


def language_of(path: str) -> str | None:
    """The language of a file by its name, or None.

    >>> language_of("src/app.tsx"), language_of("photo.png")
    ('typescript', None)
    """
    language = find_language(path)
    return language.name if language else None


def group_of(language: str) -> str:
    """The group of a language.

    >>> group_of("kotlin"), group_of("markdown")
    ('code', 'prose')
    """
    return _GROUPS[language]


def find_language(path: str) -> Language | None:
    """The row of a file by its name, or None."""
    return _BY_EXTENSION.get(extension_of(path))


def grammar_of(path: str) -> Grammar | None:
    """What parses a file by its name, or None.

    >>> grammar_of("src/app.tsx")
    ('tree_sitter_typescript', 'language_tsx')
    """
    suffix = extension_of(path)
    language = _BY_EXTENSION.get(suffix)
    return dict(language.dialects).get(suffix, language.grammar) if language else None
