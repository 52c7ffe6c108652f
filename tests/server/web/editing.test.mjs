import assert from "node:assert/strict";
import test from "node:test";

import * as editing from "../../../src/codegem/server/web/editing.mjs";

/** Apply an edit to a text in which ‹ and › are the ends of the selection, and show it the same way. */
function edited(change, marked) {
  const text = marked.replace("‹", "").replace("›", "");
  const { start, end, text: put, cursor } = change(text, marked.indexOf("‹"), marked.indexOf("›") - 1);
  const after = text.slice(0, start) + put + text.slice(end);
  return `${after.slice(0, cursor[0])}‹${after.slice(cursor[0], cursor[1])}›${after.slice(cursor[1])}`;
}

test("a level of indentation is what the text has", () => {
  assert.equal(editing.indentation(""), "    ");
  assert.equal(editing.indentation("if a:\n  b\n  if c:\n    d\n"), "  ");
  assert.equal(editing.indentation("func f() {\n\tg()\n}\n"), "\t");
  assert.equal(editing.indentation("f(a,\n b)\n"), "    ");
  assert.equal(editing.indentation("/**\n * x\n */\nif (a) {\n  b\n}\nif (a) {\n  b\n}\n"), "  ");
});

test("Enter keeps the indentation and goes deeper after an opener", () => {
  assert.equal(edited(editing.lineBreak, "def f():‹›"), "def f():\n    ‹›");
  assert.equal(edited(editing.lineBreak, "    x = 1‹›\n"), "    x = 1\n    ‹›\n");
  assert.equal(edited(editing.lineBreak, "\tif (x) {‹›"), "\tif (x) {\n\t\t‹›");
  assert.equal(edited(editing.lineBreak, "a‹bc›d"), "a\n‹›d");
  assert.equal(edited(editing.lineBreak, "‹›\n"), "\n‹›\n");
});

test("Tab goes to the next stop, or indents every line of a selection", () => {
  assert.equal(edited(editing.indent, "ab‹›"), "ab  ‹›");
  assert.equal(edited(editing.indent, "a\n‹›"), "a\n    ‹›");
  assert.equal(edited(editing.indent, "‹a\n\nb›"), "    ‹a\n\n    b›");
  assert.equal(edited(editing.indent, "a‹a\n›b"), "    a‹a\n›b");
});

test("Shift and Tab take one level away", () => {
  assert.equal(edited(editing.outdent, "    a\n      b‹›"), "    a\n  b‹›");
  assert.equal(edited(editing.outdent, "\t\ta‹›"), "\ta‹›");
  assert.equal(edited(editing.outdent, "a‹›"), "a‹›");
  assert.equal(edited(editing.outdent, "‹    a\n    b›\n"), "‹a\nb›\n");
});

test("a closing bracket stands below the line that opened", () => {
  const closed = (marked) => edited((text, start, end) => editing.closing(text, start, end, "}"), marked);
  assert.equal(closed("  if (x) {\n    f({\n    })\n    ‹›\n"), "  if (x) {\n    f({\n    })\n  }‹›\n");
  assert.equal(closed("f(\n\t\t‹›"), "f(\n}‹›");
  for (const [text, at] of [["{\n  a", 5], ["{\n", 2], ["    ", 4], ["  {\n  ", 6]]) assert.equal(editing.closing(text, at, at, "}"), null);
});

test("the first word of a suggestion has the space before it", () => {
  assert.equal(editing.firstWord("return x"), "return");
  assert.equal(editing.firstWord(" x + y"), " x");
  assert.equal(editing.firstWord("\n    été = 1"), "\n    été");
  assert.equal(editing.firstWord("...foo"), "...");
  assert.equal(editing.firstWord("  "), "  ");
  for (let rest = "  if a_b(c):\n\t return 'ü', 漢字 "; rest; ) {
    const word = editing.firstWord(rest);
    assert.ok(word && rest.startsWith(word));
    rest = rest.slice(word.length);
  }
});

test("what is left of a suggestion once something was typed", () => {
  const made = { prefix: "a", suffix: "z" };
  assert.equal(editing.remaining(made, "bcd", { prefix: "a", suffix: "z" }), "bcd");
  assert.equal(editing.remaining(made, "bcd", { prefix: "abc", suffix: "z" }), "d");
  assert.equal(editing.remaining(made, "bcd", { prefix: "abcd", suffix: "z" }), "");
  assert.equal(editing.remaining(made, "bcd", { prefix: "ax", suffix: "z" }), null);
  assert.equal(editing.remaining(made, "bcd", { prefix: "", suffix: "z" }), null);
  assert.equal(editing.remaining(made, "bcd", { prefix: "a", suffix: "bz" }), null);
});

test("when to suggest without being asked", () => {
  assert.ok(editing.worthAsking({ prefix: "f(", suffix: ")  \nlong line below" }));
  assert.ok(editing.worthAsking({ prefix: "f(", suffix: ")]}: //12" }) === false);
  assert.ok(!editing.worthAsking({ prefix: " \n", suffix: "" }));
});

test("the pause follows the person's pace, within bounds", () => {
  assert.equal(editing.pause([]), 150);
  assert.equal(editing.pause([20, 30, 25]), 100);
  assert.equal(editing.pause([200, 220, 210, 9000]), 263);
  assert.equal(editing.pause([900, 950, 910]), 400);
});

test("lines and columns count characters from 1", () => {
  assert.deepEqual(editing.position("", 0), [1, 1]);
  assert.deepEqual(editing.position("a\n😀b", 5), [2, 3]);
});
