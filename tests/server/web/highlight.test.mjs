import assert from "node:assert/strict";
import test from "node:test";

import { byLine, highlight, languageOf } from "../../../src/codegem/server/web/highlight.mjs";

const of = (kind, text, name) => highlight(text, languageOf(name)).filter(([found]) => found === kind).map(([, part]) => part);

test("languages by path and by the name after a fence", () => {
  const names = { "a/b.py": "python", "x.tsx": "javascript", Rust: "rust", "c++": "cpp", "c#": "csharp", "A.kt": "kotlin", "README": "", "a.constructor": "" };
  for (const [name, wanted] of Object.entries(names)) assert.equal(languageOf(name), wanted, name);
});

test("comments, strings, numbers, keywords and what is defined", () => {
  const code = 'def f(x):  # "no"\n    """Doc\n    # no"""\n    return "a\\"b" + 0x1F + x2 + rb\'c\'\n';
  assert.deepEqual(of("comment", code, "a.py"), ['# "no"']);
  assert.deepEqual(of("string", code, "a.py"), ['"""Doc\n    # no"""', '"a\\"b"', "rb'c'"]);
  assert.deepEqual(of("number", code, "a.py"), ["0x1F"]);
  assert.deepEqual(of("keyword", code, "a.py"), ["def", "return"]);
  assert.deepEqual(of("name", code, "a.py"), ["f"]);
  assert.deepEqual(of("comment", "a // b\n/* c\n d */ e", "a.go"), ["// b", "/* c\n d */"]);
  assert.deepEqual(of("string", "let a = `x\n${1}`; 'y'", "a.ts"), ["`x\n${1}`", "'y'"]);
  assert.deepEqual(of("string", "fn f<'a>(x: &'a str) { \"s\" }", "a.rs"), ['"s"']);
});

test("what is not closed does not colour the rest", () => {
  assert.deepEqual(of("string", 'x = "open\ny = 1', "a.py"), ['"open']);
});

test("pieces joined are the text, and so are their lines", () => {
  const text = "def f():\n\n  '''a\n b'''\r\n # é😀\n";
  for (const language of ["python", "javascript", "rust", "go", ""]) {
    const pieces = highlight(text, language);
    assert.equal(pieces.map(([, part]) => part).join(""), text);
    assert.equal(byLine(pieces).map((line) => line.map(([, part]) => part).join("")).join("\n"), text);
  }
});

test("a hostile text takes no more time than a long one", () => {
  for (const piece of ['"', "'", "/*", '"""', "\\", "`", "a.", "'''\"\"\"", "rb", "0"]) {
    const started = process.cpuUsage().user;
    for (const language of ["python", "c", "javascript"]) highlight(piece.repeat(30_000), language);
    assert.ok(process.cpuUsage().user - started < 5e6, JSON.stringify(piece));
  }
});
