import assert from "node:assert/strict";
import test from "node:test";

import { inline, safeAddress } from "../../../src/codegem/server/web/inline.mjs";
import { parse } from "../../../src/codegem/server/web/markdown.mjs";

/** Inline content in a short form: *em*, **strong**, `code`, [text](address), ~~struck~~, ⏎ for a break. */
const short = (content) => content.map((piece) => ({
  text: () => piece.text,
  code: () => `\`${piece.text}\``,
  break: () => "⏎",
  strong: () => `<b>${short(piece.content)}</b>`,
  emphasis: () => `<i>${short(piece.content)}</i>`,
  struck: () => `<s>${short(piece.content)}</s>`,
  link: () => `<a ${piece.href}>${short(piece.content)}</a>`,
})[piece.kind]()).join("");

/** Blocks in a short form. */
const outline = (blocks) => blocks.map((block) => ({
  paragraph: () => short(block.content),
  heading: () => `h${block.level} ${short(block.content)}`,
  code: () => `code(${block.info}${block.open ? ", open" : ""}) ${block.text}`,
  quote: () => ["quote", outline(block.blocks)],
  list: () => [block.start === null ? "ul" : `ol ${block.start}`, ...block.items.map(outline)],
  table: () => ["table", block.align.join(), block.head.map(short), ...block.rows.map((row) => row.map(short))],
  rule: () => "rule",
})[block.kind]());

const INLINE = [
  ["plain", "plain"],
  ["*a* **b** ***c*** _d_ __e__", "<i>a</i> <b>b</b> <i><b>c</b></i> <i>d</i> <b>e</b>"],
  ["snake_case_name and 2 * 3 * 4", "snake_case_name and 2 * 3 * 4"],
  ["**bold *and* more**", "<b>bold <i>and</i> more</b>"],
  ["**open", "**open"],
  ["*a **b*", "*a *<i>b</i>"],
  ["~~gone~~ ~not~", "<s>gone</s> ~not~"],
  ["`a*b*` ``a`b`` `` ` `` `open", "`a*b*` `a`b` ``` `open"],
  ["\\*a\\* \\`b\\` \\q", "*a* `b` \\q"],
  ["[a](https://x.y/z_(1) \"title\")", "<a https://x.y/z_(1)>a</a>"],
  ["[**a**](mailto:a@b.c)", "<a mailto:a@b.c><b>a</b></a>"],
  ["[*a*](javascript:alert(1))", "[<i>a</i>](javascript:alert(1))"],
  ["[a](JaVaScRiPt:x) [b](data:text/html,x) [c](//x.y) [d](/v1)", "[a](JaVaScRiPt:x) [b](data:text/html,x) [c](//x.y) [d](/v1)"],
  ["![alt](https://x.y/spy.png)", "<a https://x.y/spy.png>alt</a>"],
  ["[a] [b](c d)", "[a] [b](c d)"],
  ["see https://x.y/a_b_c.", "see <a https://x.y/a_b_c>https://x.y/a_b_c</a>."],
  ["xhttps://x.y", "xhttps://x.y"],
  ["&lt;b&gt; &amp;amp; &nope; &", "<b> &amp; &nope; &"],
  ["<img src=x onerror=alert(1)></script>", "<img src=x onerror=alert(1)></script>"],
  ["a  \nb\\\nc\nd", "a⏎b⏎c\nd"],
  ["*[a*](https://x.y)", "*<a https://x.y>a*</a>"],
];

for (const [text, wanted] of INLINE) {
  test(`inline: ${JSON.stringify(text)}`, () => assert.equal(short(inline(text)), wanted));
}

const BLOCKS = [
  ["a\nb\n\nc", ["a\nb", "c"]],
  ["# a #\n###### b\n#c\n#", ["h1 a", "h6 b", "#c", "h1 "]],
  ["```py\nx = 1\n```\nafter", ["code(py) x = 1", "after"]],
  ["```\n<b>\n~~~\n```", ["code() <b>\n~~~"]],
  ["````md\n```\n````", ["code(md) ```"]],
  ["text\n```Python title\nx", ["text", "code(Python title, open) x"]],
  ["- a\n- b\n\n  more\n- c", [["ul", ["a"], ["b", "more"], ["c"]]]],
  ["1. a\n2. b\n   - c\n   - d\n3) e", [["ol 1", ["a"], ["b", ["ul", ["c"], ["d"]]]], ["ol 3", ["e"]]]],
  ["1. a\n\n   ```js\n   f()\n     g()\n   ```\n2. b", [["ol 1", ["a", "code(js) f()\n  g()"], ["b"]]]],
  ["* a\n+ b", [["ul", ["a"]], ["ul", ["b"]]]],
  ["- a\nlazy\n\nnext", [["ul", ["a\nlazy"]], "next"]],
  ["in 1984.\n1984. x", ["in 1984.\n1984. x"]],
  ["> a\n> > b\n\nc", [["quote", ["a", ["quote", ["b"]]]], "c"]],
  ["a\n***\n- - -\n_ _", ["a", "rule", "rule", "_ _"]],
  ["| a | b |\n|:-:|--:|\n| 1 | x \\| y |\n| 2 |\n\nz", [["table", "center,right", ["a", "b"], ["1", "x | y"], ["2", ""]], "z"]],
  ["a | b", ["a | b"]],
  ["-\n- a", [["ul", [], ["a"]]]],
  ["", []],
];

for (const [text, wanted] of BLOCKS) {
  test(`blocks: ${JSON.stringify(text)}`, () => assert.deepEqual(outline(parse(text)), wanted));
}

test("only addresses of the web and of mail are followed", () => {
  for (const address of ["https://a.b", "HTTP://a.b", "mailto:a@b.c"]) assert.equal(safeAddress(address), address);
  for (const address of ["javascript:1", " javascript:1", "vbscript:1", "data:,", "file:///etc/passwd", "blob:x", "//a.b", ""]) {
    assert.equal(safeAddress(address), null);
  }
});

test("every character of a text that is no mark is kept, whatever stands beside it", () => {
  let seed = 1;
  const random = (below) => (seed = (seed * 48271) % 2147483647) % below;
  const parts = ["*", "**", "_", "`", "``", "[", "](", ")", "!", "~~", "\n", "\n\n", "- ", "> ", "1. ", "```", "#", "|", "\\", "&lt;", "ab", " "];
  for (let round = 0; round < 3000; round += 1) {
    let text = "";
    let words = 0;
    for (let length = random(14); length >= 0; length -= 1) text += random(3) ? parts[random(parts.length)] : `w${words++}w`;
    const found = JSON.stringify(parse(text));
    for (let word = 0; word < words; word += 1) assert.ok(found.includes(`w${word}w`), `${JSON.stringify(text)} lost w${word}w`);
  }
});

test("a hostile text takes no more time than a long one", () => {
  const hostile = ["*a ", "**a*", "_a", "[", "[a](", "![", "`", "`a``", "~~a", "> ", "- ", "* ", "- a\n", "1. a\n", "a\n\n", "| a ", "<", "\\", "&", "http://", "*a_b", "#", "```\n", "> - ", "[a](b", "  "];
  for (const piece of hostile) {
    const started = process.cpuUsage().user;
    parse(piece.repeat(20_000));
    const seconds = (process.cpuUsage().user - started) / 1e6;
    assert.ok(seconds < 5, `${JSON.stringify(piece)} took ${seconds} s`); // linear: below 0.1 s
  }
});
