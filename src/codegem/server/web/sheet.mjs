// The drawn lines of an editor: code in colours, the suggestion in grey where the cursor is, numbers beside them.

import { make } from "./dom.mjs";
import { byLine, highlight, languageOf } from "./highlight.mjs";

/**
 * @typedef {import("./highlight.mjs").Piece} Piece
 * @typedef {{pieces: Piece[], number: string}} Line one that is only suggested has no number
 */

/**
 * The lines of a text with a suggestion in it.
 *
 * @param {string} text
 * @param {string} path
 * @param {string} ghost
 * @param {number} at where the suggestion goes
 * @returns {Line[]}
 */
export function drawnLines(text, path, ghost, at) {
  const lines = byLine(highlight(text, languageOf(path))).map((pieces, index) => ({ pieces, number: String(index + 1) }));
  if (!ghost) return lines;
  const before = text.slice(0, at).split("\n");
  const row = before.length - 1;
  const [left, right] = cut(lines[row].pieces, before[row].length);
  const suggested = ghost.split("\n").map((part) => /** @type {Piece[]} */ ([["ghost", part]]));
  suggested[0].unshift(...left);
  suggested[suggested.length - 1].push(...right);
  const drawn = suggested.map((pieces, index) => ({ pieces, number: index ? "" : lines[row].number }));
  return [...lines.slice(0, row), ...drawn, ...lines.slice(row + 1)];
}

/**
 * Pieces before and after a column.
 *
 * @param {Piece[]} pieces
 * @param {number} column
 * @returns {[Piece[], Piece[]]}
 */
function cut(pieces, column) {
  /** @type {Piece[]} */
  const before = [];
  /** @type {Piece[]} */
  const after = [];
  let left = column;
  for (const [kind, text] of pieces) {
    if (left > 0) before.push([kind, text.slice(0, left)]);
    if (text.length > left) after.push([kind, text.slice(Math.max(0, left))]);
    left -= text.length;
  }
  return [before, after];
}

/** Where the lines are drawn; only those that have changed are made anew. */
export class Sheet {
  constructor() {
    this.gutter = make("div", { class: "gutter", "aria-hidden": "true" });
    this.code = make("div", { class: "code", "aria-hidden": "true" });
    /** @type {string[]} what each drawn line is made of */
    this.drawn = [];
  }

  /** @param {Line[]} lines */
  draw(lines) {
    const wanted = lines.map(({ pieces, number }) => `${number && "n"}${pieces.map((piece) => piece.join("\u0001")).join("\u0002")}`);
    const { drawn, code } = this;
    let head = 0;
    while (head < drawn.length && head < wanted.length && drawn[head] === wanted[head]) head += 1;
    let tail = 0;
    const most = Math.min(drawn.length, wanted.length) - head;
    while (tail < most && drawn[drawn.length - 1 - tail] === wanted[wanted.length - 1 - tail]) tail += 1;
    for (let index = drawn.length - tail; index > head; index -= 1) code.children[head].remove();
    const next = code.children[head] ?? null;
    for (const line of lines.slice(head, lines.length - tail)) code.insertBefore(lineElement(line), next);
    this.drawn = wanted;
    const numbers = lines.map(({ number }) => number).join("\n");
    if (this.gutter.textContent !== numbers) this.gutter.textContent = numbers;
  }

  /**
   * Follow what is scrolled.
   *
   * @param {number} left
   * @param {number} top
   */
  scrollTo(left, top) {
    this.code.style.transform = `translate(${-left}px, ${-top}px)`;
    this.gutter.style.transform = `translateY(${-top}px)`;
  }

  /**
   * The offset in the text, without the suggestion, of a point of the window; null where no line is.
   *
   * @param {number} x
   * @param {number} y
   */
  offsetAt(x, y) {
    const [node, offset] = caretAt(x, y) ?? [null, 0];
    const line = (node instanceof Element ? node : node?.parentElement)?.closest(".line");
    if (!node || !line || !this.code.contains(line)) return null;
    const before = document.createRange();
    before.selectNodeContents(this.code);
    before.setEnd(node, offset);
    const read = before.cloneContents();
    const suggested = [...read.querySelectorAll(".ghost")].reduce((sum, ghost) => sum + (ghost.textContent ?? "").length, 0);
    const above = [...this.code.children].slice(0, [...this.code.children].indexOf(line) + 1);
    const breaks = above.filter((row) => !row.classList.contains("more")).length - 1;
    return (read.textContent ?? "").length - suggested + breaks;
  }
}

/**
 * @param {number} x
 * @param {number} y
 * @returns {[Node, number] | null}
 */
function caretAt(x, y) {
  const position = document.caretPositionFromPoint?.(x, y);
  if (position) return [position.offsetNode, position.offset];
  const range = document.caretRangeFromPoint?.(x, y);
  return range ? [range.startContainer, range.startOffset] : null;
}

/** @param {Line} line */
function lineElement({ pieces, number }) {
  const parts = pieces.map(([kind, text]) => (kind === "plain" ? text : make("span", { class: kind }, text)));
  return make("div", { class: number ? "line" : "line more" }, ...parts);
}
