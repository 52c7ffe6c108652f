// Markdown's tree to elements of the page. Only text nodes, and elements that are named here.

import { make } from "./dom.mjs";
import { highlight, languageOf } from "./highlight.mjs";
import { parse } from "./markdown.mjs";

/**
 * @typedef {import("./markdown.mjs").Block} Block
 * @typedef {import("./inline.mjs").Inline} Inline
 */

/** Blocks that were drawn in an element, so that a growing answer is drawn again only at its end.
 * @type {WeakMap<Element, string[]>} */
const drawn = new WeakMap();

/**
 * Make `element` show a text.
 *
 * @param {Element} element which holds nothing else
 * @param {string} text in Markdown
 */
export function renderInto(element, text) {
  const blocks = parse(text);
  const keys = blocks.map((block) => JSON.stringify(block));
  const before = drawn.get(element) ?? [];
  let same = 0;
  while (same < keys.length && keys[same] === before[same]) same += 1;
  while (element.children.length > same) element.lastElementChild?.remove();
  element.append(...blocks.slice(same).map(blockElement));
  drawn.set(element, keys);
}

/**
 * Code in colours.
 *
 * @param {string} text
 * @param {string} name of its language or its file
 */
export function coloured(text, name) {
  const pieces = highlight(text, languageOf(name));
  return pieces.map(([kind, part]) => (kind === "plain" ? part : make("span", { class: kind }, part)));
}

/**
 * @param {Block} block
 * @returns {HTMLElement}
 */
function blockElement(block) {
  switch (block.kind) {
    case "paragraph":
      return make("p", {}, ...inlines(block.content));
    case "heading":
      // The page's own headings are the first two levels.
      return make(/** @type {"h3"} */ (`h${Math.min(6, block.level + 2)}`), {}, ...inlines(block.content));
    case "code":
      return codeElement(block.text, block.info);
    case "quote":
      return make("blockquote", {}, ...block.blocks.map(blockElement));
    case "list": {
      const items = block.items.map((item) => make("li", {}, ...itemContent(item)));
      return block.start === null ? make("ul", {}, ...items) : make("ol", { start: block.start }, ...items);
    }
    case "table":
      return tableElement(block);
    case "rule":
      return make("hr");
  }
}

/**
 * A lone paragraph of an item needs no element of its own.
 *
 * @param {Block[]} blocks
 */
function itemContent(blocks) {
  return blocks.flatMap((block, index) =>
    block.kind === "paragraph" && (index === 0 && blocks.every(({ kind }, at) => !at || kind !== "paragraph"))
      ? inlines(block.content)
      : [blockElement(block)],
  );
}

/** @param {Extract<Block, {kind: "table"}>} table */
function tableElement({ head, rows, align }) {
  const cell = (/** @type {"td" | "th"} */ tag) => (/** @type {Inline[]} */ content, /** @type {number} */ column) =>
    make(tag, { class: align[column] }, ...inlines(content));
  const body = rows.map((row) => make("tr", {}, ...row.map(cell("td"))));
  const table = make("table", {}, make("thead", {}, make("tr", {}, ...head.map(cell("th")))), make("tbody", {}, ...body));
  return make("div", { class: "wide", tabindex: 0, role: "region", "aria-label": "Table" }, table);
}

/**
 * @param {string} text
 * @param {string} info
 */
function codeElement(text, info) {
  const copy = make("button", { class: "copy", click: () => copyTo(copy, text) }, "Copy");
  const top = make("div", { class: "code-top" }, make("span", {}, info || "code"), copy);
  const code = make("pre", { tabindex: 0, "aria-label": `Code${info && ` in ${info}`}` },
    make("code", {}, ...coloured(text, info.split(/\s/)[0])));
  return make("div", { class: "code-block" }, top, code);
}

/**
 * @param {HTMLButtonElement} button
 * @param {string} text
 */
async function copyTo(button, text) {
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    button.textContent = copyOldWay(text) ? "Copied" : "Select and copy by hand";
  }
  setTimeout(() => (button.textContent = "Copy"), 1500);
}

/**
 * Where the page has no right to the clipboard, as at an address without encryption that is not this machine's.
 *
 * @param {string} text
 */
function copyOldWay(text) {
  const focused = /** @type {HTMLElement | null} */ (document.activeElement);
  const area = make("textarea", { class: "unseen", "aria-hidden": "true" });
  area.value = text;
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  focused?.focus();
  return done;
}

/**
 * @param {Inline[]} content
 * @returns {(Node | string)[]}
 */
function inlines(content) {
  return content.map((piece) => {
    switch (piece.kind) {
      case "text":
        return piece.text;
      case "code":
        return make("code", {}, piece.text);
      case "break":
        return make("br");
      case "strong":
        return make("strong", {}, ...inlines(piece.content));
      case "emphasis":
        return make("em", {}, ...inlines(piece.content));
      case "struck":
        return make("s", {}, ...inlines(piece.content));
      case "link":
        return make("a", { href: piece.href, target: "_blank", rel: "noopener noreferrer", title: piece.href }, ...inlines(piece.content));
    }
  });
}
