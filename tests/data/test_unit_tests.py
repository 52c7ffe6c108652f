"""Which files are unit tests, and of what."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegem.data.unit_tests import is_test, match_tests, read_name, score
from codegem.text.languages import LANGUAGES

SAMPLES = {
    "java": {
        "src/test/java/org/a/FooTest.java": True,
        "src/test/java/org/a/TestFoo.java": True,
        "src/test/java/org/a/FooTests.java": True,
        "src/test/java/org/a/FooIT.java": True,
        "src/main/java/org/a/FooTestCase.java": True,
        "src/main/java/org/a/Foo.java": False,
        "src/main/java/org/a/Contest.java": False,
        "src/main/java/org/a/Testament.java": False,
        "src/main/java/org/a/Latest.java": False,
        "src/main/java/org/a/Test.java": False,
    },
    "kotlin": {
        "src/test/kotlin/FooTest.kt": True,
        "src/commonTest/kotlin/Foo.kt": True,
        "a/FooSpec.kt": True,
        "a/Protest.kt": False,
    },
    "go": {
        "a/foo_test.go": True,
        "a/test_foo.go": False,
        "a/test.go": False,
        "tests/foo.go": False,
        "a/latest.go": False,
    },
    "python": {
        "tests/test_foo.py": True,
        "foo/test_foo.py": True,
        "foo/foo_test.py": True,
        "foo/foo_tests.py": True,
        "tests/foo.py": True,
        "foo/contest.py": False,
        "foo/latest.py": False,
        "test.py": False,
        "foo/test.py": False,
        "foo/testament.py": False,
        "foo/protest_march.py": False,
    },
    "javascript": {
        "src/foo.test.js": True,
        "src/foo.spec.mjs": True,
        "src/__tests__/foo.js": True,
        "test/foo.js": True,
        "spec/foo.js": True,
        "src/foo-test.js": True,
        "src/latest.js": False,
        "src/test.js": False,
        "src/inspec.js": False,
    },
    "typescript": {
        "src/foo.test.tsx": True,
        "src/foo.spec.ts": True,
        "src/foo.e2e.ts": True,
        "src/foo.ts": False,
        "src/foo.d.ts": False,
        "src/contest.ts": False,
    },
    "rust": {"tests/foo.rs": True, "src/foo_test.rs": True, "src/foo/tests.rs": False, "src/attest.rs": False},
    "c": {"tests/test_foo.c": True, "src/foo_test.c": True, "t/foo.c": True, "src/greatest.c": False},
    "cpp": {
        "src/foo_test.cc": True,
        "src/foo_unittest.cc": True,
        "test/foo-test.cpp": True,
        "src/FooTest.cpp": True,
        "src/Contest.cpp": False,
        "src/testing_tools.cc": False,
    },
    "csharp": {
        "Lib.Tests/FooTests.cs": True,
        "Lib/FooTest.cs": True,
        "Lib/FooSpecs.cs": True,
        "Lib/Contests.cs": False,
        "Lib/Testify.cs": False,
    },
}
CASES = [(path, wanted) for cases in SAMPLES.values() for path, wanted in cases.items()]


@pytest.mark.parametrize(("path", "wanted"), CASES)
def test_what_is_a_test(path: str, wanted: bool) -> None:
    assert is_test(path) is wanted


def test_every_programming_language_has_samples_of_both() -> None:
    assert set(SAMPLES) == {language.name for language in LANGUAGES if language.imports}
    assert all({True, False} == set(cases.values()) for cases in SAMPLES.values())


@pytest.mark.parametrize("path", ["test_notes.md", "tests/data.json", "Makefile", ""])
def test_what_is_no_program_is_no_test(path: str) -> None:
    assert not is_test(path)


MATCHES = [
    ("src/test/java/org/a/FooTest.java", "src/main/java/org/a/Foo.java"),
    ("src/test/java/org/a/TestHTTPServer.java", "src/main/java/org/a/HTTPServer.java"),
    ("src/test/java/org/b/FooTest.java", "src/main/java/org/b/Foo.java"),
    ("src/test/kotlin/org/a/BarTest.kt", "src/main/kotlin/org/a/Bar.kt"),
    ("src/test/kotlin/org/a/HTTPServerSpec.kt", "src/main/java/org/a/HTTPServer.java"),
    ("pkg/list/list_test.go", "pkg/list/list.go"),
    ("pkg/tree/list_test.go", "pkg/tree/list.go"),
    ("tests/test_parser.py", "src/app/parser.py"),
    ("tests/deep/test_parser.py", "src/app/deep/parser.py"),
    ("src/app/deep/lexer_test.py", "src/app/deep/lexer.py"),
    ("tests/test_models.py", "src/app/models/__init__.py"),
    ("web/button.spec.ts", "web/button.ts"),
    ("web/__tests__/menu.tsx", "web/menu.tsx"),
    ("web/menu.test.tsx", "web/menu.tsx"),
    ("web/widgets/widgets.test.ts", "web/widgets/index.ts"),
    ("web/legacy.test.ts", "web/legacy.js"),
    ("crate/tests/arena.rs", "crate/src/arena.rs"),
    ("crate/src/slab_test.rs", "crate/src/slab/mod.rs"),
    ("native/tests/test_ring.c", "native/ring.c"),
    ("native/hash_unittest.cc", "native/hash.cc"),
    ("native/t/queue.c", "native/queue.c"),
    ("Lib.Tests/CacheTests.cs", "Lib/Cache.cs"),
]
REPOSITORY = sorted(
    {path for pair in MATCHES for path in pair}
    | {"native/hash.h", "native/ring.h", "src/app/__init__.py", "src/other/parser.py", "web/index.ts", "docs/parser.js"}
)
LONELY = ["tests/test_everything.py", "tests/conftest.py", "pkg/integration_test.go", "web/smoke.test.ts"]


@pytest.mark.parametrize(("test", "source"), MATCHES)
def test_a_test_finds_its_source(test: str, source: str) -> None:
    assert dict(match_tests([*REPOSITORY, *LONELY], {}, 0.5))[test] == source


@pytest.mark.parametrize("test", LONELY)
def test_a_test_of_nothing_is_left_alone(test: str) -> None:
    assert test not in dict(match_tests([*REPOSITORY, *LONELY], {}, 0.5))


def test_imports_decide_between_equal_names() -> None:
    paths = ["a/util.py", "b/util.py", "tests/test_util.py"]
    assert match_tests(paths, {}, 0.5) == (("tests/test_util.py", "a/util.py"),)
    imports = {"tests/test_util.py": ["b/util.py"]}
    assert match_tests(paths, imports, 0.5) == (("tests/test_util.py", "b/util.py"),)


def test_part_of_a_name_needs_an_import() -> None:
    paths = ["app/parser.py", "tests/test_parser_errors.py"]
    assert match_tests(paths, {}, 0.5) == ()
    imports = {"tests/test_parser_errors.py": ["app/parser.py"]}
    assert match_tests(paths, imports, 0.5) == (("tests/test_parser_errors.py", "app/parser.py"),)


def test_the_threshold_counts() -> None:
    paths = ["a/b/util.py", "tests/test_util.py"]
    assert match_tests(paths, {}, 0.6) and not match_tests(paths, {}, 0.61)


def test_another_language_of_the_same_name_is_no_source() -> None:
    assert match_tests(["a/util.js", "a/test_util.py"], {}, 0.0) == ()


names = st.from_regex(r"[a-zA-Z_]{0,9}(test|Test|_test|test_|spec)?[a-zA-Z_.]{0,9}", fullmatch=True)
paths = st.builds(lambda folder, name, end: folder + name + end, st.sampled_from(["", "tests/", "a/b/"]), names,
                  st.sampled_from([".py", ".java", ".go", ".ts", ".rs", ".cc"]))  # fmt: skip


@given(st.sets(paths, max_size=12), st.booleans())
def test_scores_are_shares_and_no_test_is_a_source(found: set[str], imports: bool) -> None:
    pairs = dict(match_tests(found, {}, 0.0))
    assert all(is_test(test) and not is_test(source) for test, source in pairs.items())
    for test, source in pairs.items():
        one, other = read_name(test), read_name(source)
        assert one and other and 0 <= score(one, other, imports) <= 1
