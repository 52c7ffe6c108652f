"""Imports of each language to files, on small repositories written out here."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegem.data.imports import GraphFile, RepositoryTree, read_facts, resolve
from codegem.data.imports.projects import read_projects
from codegem.text.languages import LANGUAGES, language_of
from codegem.text.syntax import parse

pytest.importorskip("tree_sitter")


def edges(files: dict[str, str], projects: dict[str, str] | None = None, lines: int = 1000) -> set[tuple[str, str]]:
    """(importer, imported) of a repository, each file parsed by nobody before."""
    facts = [
        read_facts(GraphFile(path, text.encode(), language_of(path) or ""), lines, 1000)
        for path, text in sorted(files.items())
    ]
    tree = RepositoryTree(files, read_projects(projects or {}))
    return {(path, use.path) for path, uses in resolve(facts, tree, 1000) for use in uses}


def imported(files: dict[str, str], importer: str, projects: dict[str, str] | None = None) -> set[str]:
    return {other for path, other in edges(files, projects) if path == importer}


PYTHON = {
    "src/pkg/__init__.py": "",
    "src/pkg/a.py": "",
    "src/pkg/logging.py": "",
    "src/pkg/sub/__init__.py": "",
    "src/pkg/sub/b.py": "",
    "src/pkg/sub/c.pyi": "",
    "tools/helper.py": "",
    "other/pkg_b/a.py": "",
}


@pytest.mark.parametrize(
    ("where", "text", "found"),
    [
        ("src/pkg/x.py", "import pkg.a", {"src/pkg/a.py"}),
        ("src/pkg/x.py", "import pkg.sub.b as q, pkg.a", {"src/pkg/sub/b.py", "src/pkg/a.py"}),
        ("src/pkg/x.py", "from pkg import a", {"src/pkg/a.py"}),
        ("src/pkg/x.py", "from pkg import version", {"src/pkg/__init__.py"}),
        ("src/pkg/x.py", "from pkg import (a,\n  version)", {"src/pkg/a.py", "src/pkg/__init__.py"}),
        ("src/pkg/x.py", "from pkg import *", {"src/pkg/__init__.py"}),
        ("src/pkg/x.py", "from . import a as b", {"src/pkg/a.py"}),
        ("src/pkg/x.py", "from .sub.b import f", {"src/pkg/sub/b.py"}),
        ("src/pkg/x.py", "from .sub import c", {"src/pkg/sub/c.pyi"}),
        ("src/pkg/sub/x.py", "from .. import a", {"src/pkg/a.py"}),
        ("src/pkg/sub/x.py", "from ..a import f", {"src/pkg/a.py"}),
        ("src/pkg/sub/x.py", "from . import g", {"src/pkg/sub/__init__.py"}),
        ("src/pkg/x.py", "import logging", set()),
        ("src/pkg/x.py", "import os, sys.path", set()),
        ("src/pkg/x.py", "from ....far import a", set()),
        ("src/pkg/x.py", "def f():\n    if True:\n        import pkg.a", {"src/pkg/a.py"}),
        ("src/pkg/x.py", "try:\n    from pkg import a\nexcept ImportError:\n    pass", {"src/pkg/a.py"}),
        ("src/pkg/x.py", '"""\n>>> import pkg.a\n"""', set()),
        ("tools/x.py", "import helper", {"tools/helper.py"}),
        ("src/pkg/x.py", "import helper", set()),
        ("tests/x.py", "import pkg.sub", {"src/pkg/sub/__init__.py"}),
    ],
)
def test_python(where: str, text: str, found: set[str]) -> None:
    assert imported(PYTHON | {where: text}, where) == found


JAVASCRIPT = {
    "src/a.ts": "",
    "src/b.tsx": "",
    "src/c.js": "",
    "src/d/index.ts": "",
    "src/e.d.ts": "",
    "src/index.js": "",
    "src/util.service.ts": "",
    "packages/core/src/index.ts": "",
    "packages/core/src/deep.ts": "",
}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("import x from './a'", {"src/a.ts"}),
        ("import {x, y as z} from './b'", {"src/b.tsx"}),
        ("import './c'", {"src/c.js"}),
        ("import * as d from './d'", {"src/d/index.ts"}),
        ("import d from './d/'", {"src/d/index.ts"}),
        ("import type {E} from './e'", {"src/e.d.ts"}),
        ("import x = require('./a')", {"src/a.ts"}),
        ("const x = require('./c')", {"src/c.js"}),
        ("function f() { return import('./a') }", {"src/a.ts"}),
        ("export * from './a'; export {q} from './c.js'", {"src/a.ts", "src/c.js"}),
        ("import x from './a.js'", {"src/a.ts"}),
        ("import x from './b.jsx'", {"src/b.tsx"}),
        ("import x from './util.service'", {"src/util.service.ts"}),
        ("import x from '.'", {"src/index.js"}),
        ("import x from '../src/a'", {"src/a.ts"}),
        ("import x from 'a'", set()),
        ("import x from '../../out'", set()),
        ("// import x from './a'", set()),
        ("require(name); require(`./a`); other('./a')", set()),
        ("import x from '@/d'", {"src/d/index.ts"}),
        ("import x from '@scope/core'", {"packages/core/src/index.ts"}),
        ("import x from '@scope/core/deep'", {"packages/core/src/deep.ts"}),
    ],
)
def test_javascript_and_typescript(text: str, found: set[str]) -> None:
    projects = {"packages/core/package.json": '{"name": "@scope/core"}', "bad/package.json": "["}
    assert imported(JAVASCRIPT | {"src/x.ts": text}, "src/x.ts", projects) == found


def test_a_node_folder_stands_for_its_main_file() -> None:
    files = {"main.js": "", "index.js": "", "lib/a.js": "require('..')", "lib/b.js": "require('../')"}
    assert edges(files) == {("lib/a.js", "index.js"), ("lib/b.js", "index.js")}
    projects = {"package.json": '{"name": "x", "main": "./main"}', "lib/package.json": '{"main": ["index.js"]}'}
    assert edges(files, projects) == {("lib/a.js", "main.js"), ("lib/b.js", "main.js")}


JVM = {
    "core/src/main/java/org/a/Foo.java": "package org.a; public class Foo { class Inner {} static int f() {} }",
    "core/src/main/java/org/a/Bar.java": "package org.a; class Bar {} class Second {}",
    "core/src/main/java/org/b/Baz.java": "package org.b; enum Baz { X }",
    "core/src/main/kotlin/org/k/Tools.kt": "package org.k\nfun helper() = 1\nclass Tool { fun inner() {} }\n",
}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("package org.c; import org.a.Foo; class X { Foo f; }", {"org/a/Foo.java"}),
        ("package org.c; import org.a.Foo; class X {}", set()),
        ("package org.c; import org.a.Foo.Inner; class X { Inner f; }", {"org/a/Foo.java"}),
        ("package org.c; import static org.a.Foo.f; class X { int g = f(); }", {"org/a/Foo.java"}),
        ("package org.c; import static org.a.Foo.*; class X {}", {"org/a/Foo.java"}),
        ("package org.c; import org.a.*; class X { Bar b; }", {"org/a/Bar.java"}),
        ("package org.a; class X { Bar b; Second s; }", {"org/a/Bar.java"}),
        ('package org.a; /* Foo */ class X { String s = "Bar"; } // Foo', set()),
        ("package org.a; class X { class Foo {} Foo f; }", set()),
        ("package org.a; import other.Foo; class X { Foo f; }", set()),
        ("package org.c; class X { org.a.Foo f; }", {"org/a/Foo.java"}),
        ("package org.c; class X { Foo f; }", set()),
        ("package org.c; import org.k.Tool; class X { Tool t; }", {"org/k/Tools.kt"}),
    ],
)
def test_java(text: str, found: set[str]) -> None:
    path = "core/src/main/java/org/c/X.java"
    assert {other.split("/", 4)[4] for other in imported(JVM | {path: text}, path)} == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("package x\nimport org.a.Foo\nval f: Foo = Foo()\n", {"Foo.java"}),
        ("package x\nimport org.a.Foo as F\nval f: F? = null\n", {"Foo.java"}),
        ("package x\nimport org.k.helper\nval f = helper()\n", {"Tools.kt"}),
        ("package x\nimport org.k.*\nval f = Tool()\n", {"Tools.kt"}),
        ("package org.k\nval f = Tool()\n", {"Tools.kt"}),
        ("package x\nval f = Tool()\n", set()),
    ],
)
def test_kotlin(text: str, found: set[str]) -> None:
    assert {other.rpartition("/")[2] for other in imported(JVM | {"x/X.kt": text}, "x/X.kt")} == found


def test_the_nearest_of_two_modules_declares_it() -> None:
    files = {f"{m}/a/Foo.java": "package a; class Foo {}" for m in ("one", "two")}
    files["two/b/X.java"] = "package b; import a.Foo; class X extends Foo {}"
    assert imported(files, "two/b/X.java") == {"two/a/Foo.java"}


GO = {"go.mod": "", "main.go": "", "pkg/a/a.go": "", "pkg/a/b.go": "", "pkg/a/a_test.go": "", "pkg/log/log.go": ""}


@pytest.mark.parametrize("module", ["example.org/m", None])
def test_go_takes_every_file_of_a_package_but_tests(module: str | None) -> None:
    text = 'package m\nimport (\n "fmt"\n x "example.org/m/pkg/a"\n "log"\n "golang.org/x/text"\n)\n'
    projects = {"go.mod": f"module {module} // here\n"} if module else None
    files = {path: "" for path in GO if path.endswith(".go")} | {"cmd/x.go": text}
    assert imported(files, "cmd/x.go", projects) == {"pkg/a/a.go", "pkg/a/b.go"}


def test_go_reads_copies_of_other_modules() -> None:
    files = {"vendor/github.com/q/r/r.go": "", "x.go": 'package m\nimport "github.com/q/r"\n'}
    assert imported(files, "x.go", {"go.mod": "module example.org/m"}) == {"vendor/github.com/q/r/r.go"}


RUST = {
    "src/lib.rs": "mod a;\nmod b;\nmod gone;",
    "src/a.rs": "",
    "src/b/mod.rs": "pub mod c;",
    "src/b/c.rs": "",
    "src/main.rs": "",
    "other-crate/src/lib.rs": "",
    "other-crate/src/x.rs": "",
    "tests/common/mod.rs": "",
}


@pytest.mark.parametrize(
    ("where", "text", "found"),
    [
        ("src/z.rs", "use crate::a::F;", {"src/a.rs"}),
        ("src/z.rs", "use crate::{a::F, b::{self, c::*}};", {"src/a.rs", "src/b/mod.rs", "src/b/c.rs"}),
        ("src/z.rs", "use crate::Error;", {"src/lib.rs"}),
        ("src/b/z.rs", "use super::c::G;", {"src/b/c.rs"}),
        ("src/b/z.rs", "use super::super::a;", {"src/a.rs"}),
        ("src/b/z.rs", "use super::H;", {"src/b/mod.rs"}),
        ("src/b/z.rs", "mod tests { use super::*; }", set()),
        ("src/b/z.rs", "mod tests { use super::super::c; }", {"src/b/c.rs"}),
        ("src/b/mod.rs", "use self::c::G; pub mod c;", {"src/b/c.rs"}),
        ("src/lib.rs", "mod a; pub mod b { mod q; }", {"src/a.rs"}),
        ("src/z.rs", "use other_crate::x::Y; use std::io;", {"other-crate/src/x.rs"}),
        ("src/z.rs", "use super::super::super::q;", set()),
        ("tests/z.rs", "mod common;", {"tests/common/mod.rs"}),
        ("tests/z.rs", "use mine::a::F;", {"src/a.rs"}),
        ("src/z.rs", "fn f() { use crate::a::F; }", {"src/a.rs"}),
    ],
)
def test_rust(where: str, text: str, found: set[str]) -> None:
    projects = {"Cargo.toml": '[package]\nname = "mine"\n'}
    assert imported(RUST | {where: text}, where, projects) == found


C = {
    "include/lib/a.h": "",
    "src/a.h": "",
    "src/b.h": "",
    "src/deep/b.h": "",
    "other/b.h": "",
    "src/string.h": "",
    "win32/include/config.h": "",
}


@pytest.mark.parametrize(
    ("where", "text", "found"),
    [
        ("src/x.c", '#include "a.h"', {"src/a.h"}),
        ("src/x.c", "#include <lib/a.h>", {"include/lib/a.h"}),
        ("src/deep/x.cc", '#include "b.h"', {"src/deep/b.h"}),
        ("src/deep/x.cc", '#include "../b.h"', {"src/b.h"}),
        ("other/deep/x.cc", '#include "b.h"', {"other/b.h"}),
        ("src/x.c", "#include <string.h>", set()),
        ("src/x.c", '#include "string.h"', {"src/string.h"}),
        ("src/x.c", "#ifdef A\n#if B\n#include <a.h>\n#endif\n#endif", {"src/a.h"}),
        ("src/x.c", '#include MACRO\n#include <vector>\n// #include "a.h"', set()),
        ("src/x.c", '#include "config.h"', set()),
        ("win32/x.c", "#include <config.h>", {"win32/include/config.h"}),
        ("adapters/a.h", "#include <a.h>", {"src/a.h"}),
        ("src/x.c", '#include "../../../../etc/passwd.h"', set()),
    ],
)
def test_c(where: str, text: str, found: set[str]) -> None:
    assert imported(C | {where: text}, where) == found


CSHARP = {
    "A/Foo.cs": "namespace N.A { public class Foo { class Inner {} } public delegate void Handler(int x); }",
    "A/Part1.cs": "namespace N.A;\npublic partial class Part {}",
    "A/Part2.cs": "namespace N.A;\npublic partial class Part {}",
    "B/Foo.cs": "namespace N.B { namespace C { record struct Foo(int X); } }",
    "Usings.cs": "global using N.G;",
    "G/Global.cs": "namespace N.G; interface IGlobal {}",
}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("using N.A; namespace X { class Y { Foo f; } }", {"A/Foo.cs"}),
        ("using N.A; namespace X { class Y {} }", set()),
        ("using N.A; class Y : Part {}", {"A/Part1.cs", "A/Part2.cs"}),
        ("using N.A; class Y { Handler h; }", {"A/Foo.cs"}),
        ("using N.B.C; class Y { Foo f; }", {"B/Foo.cs"}),
        ("namespace N.A { class Y { Foo f; } }", {"A/Foo.cs"}),
        ("namespace N.A.Deep; class Y { Foo f; }", {"A/Foo.cs"}),
        ("namespace N; using B.C; class Y { Foo f; }", {"B/Foo.cs"}),
        ("using F = N.A.Foo; class Y { F f; }", {"A/Foo.cs"}),
        ("namespace N.Q; class Y { N.A.Foo f; }", {"A/Foo.cs"}),
        ("class Y { IGlobal g; }", {"G/Global.cs"}),
        ("class Y { Foo f; }", set()),
        ('using N.A; class Y { string s = "Foo"; } // Foo', set()),
    ],
)
def test_csharp(text: str, found: set[str]) -> None:
    assert imported(CSHARP | {"X/Y.cs": text}, "X/Y.cs") == found


def test_only_the_top_lines_are_read() -> None:
    files = {"a.py": "", "b.py": "", "c.py": "import a\nx = 1\nimport b\n"}
    assert edges(files, lines=1) == edges(files, lines=2) == {("c.py", "a.py")}
    assert edges(files, lines=3) == {("c.py", "a.py"), ("c.py", "b.py")}


def test_a_tree_that_is_at_hand_gives_the_same() -> None:
    for path, text in [("c.py", "import a\nx = (\n" + "1,\n" * 50 + ")\n"), ("X.java", "package p; import a.B;\n")]:
        alone = read_facts(GraphFile(path, text.encode(), language_of(path) or ""), 5, 100)
        given = read_facts(GraphFile(path, text.encode(), language_of(path) or "", parse(text.encode(), path)), 5, 100)
        assert alone == given


def test_late_imports_are_weak() -> None:
    text = "import a\nif TYPE_CHECKING:\n    import b\n    from c import d\ndef f():\n    import e\n"
    facts = read_facts(GraphFile("x.py", text.encode(), "python"), 100, 100)
    assert [(each.target, each.weak) for each in facts.imports] == [("a", False), ("b", True), ("c", True), ("e", True)]
    text = "import type {A} from './a';\nimport {B} from './b';\nconst f = () => require('./c');\n"
    facts = read_facts(GraphFile("x.ts", text.encode(), "typescript"), 100, 100)
    assert [(each.target, each.weak) for each in facts.imports] == [("'./a'", True), ("'./b'", False), ("'./c'", True)]


def test_every_resolver_of_the_table_is_tested_here() -> None:
    rows = {row.imports.resolver for row in LANGUAGES if row.imports}
    assert rows == {"python", "javascript", "include", "go", "rust", "jvm", "dotnet"}


# Broken text of any kind: nothing raises, whatever the language.
WORDS = "import from use as static using namespace package mod super crate require( é a A = . :: ; * { } ( < > /"
PIECES = st.sampled_from([*(f"{word} " for word in WORDS.split()), *WORDS.split(), "\n", '"', "'", "\0", ".."])
EXTENSIONS = st.sampled_from([extension for row in LANGUAGES if row.imports for extension in row.extensions])


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(EXTENSIONS, st.lists(PIECES, max_size=30).map("".join), min_size=1, max_size=4))
def test_no_text_raises(texts: dict[str, str]) -> None:
    files = {f"a/f{extension}": text for extension, text in texts.items()} | {"a/a.py": "", "a/a.rs": "", "A.java": ""}
    assert all(importer != other for importer, other in edges(files))
