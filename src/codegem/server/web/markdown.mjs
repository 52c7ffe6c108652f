// Markdown to a tree: blocks here, what stands inside a line in inline.mjs. Pure, and linear in the text but for nesting.
//
// What a model writes is untrusted: HTML is text, and nothing is loaded from anywhere.

import { inline } from "./inline.mjs";

/**
 * @typedef {import("./inline.mjs").Inline} Inline
 * @typedef {{kind: "paragraph", content: Inline[]}
 *   | {kind: "heading", level: number, content: Inline[]}
 *   | {kind: "code", info: string, text: string, open: boolean}
 *   | {kind: "quote", blocks: Block[]}
 *   | {kind: "list", start: number | null, items: Block[][]}
 *   | {kind: "table", head: Inline[][], rows: Inline[][][], align: string[]}
 *   | {kind: "rule"}} Block
 *   A list without a start has bullets. The info of code begins with its language; it is open while its end has not come.
 */

const DEEPEST = 12;
const MOST_CELLS = 10_000;
const FENCE = /^ {0,3}(`{3,}|~{3,})\s*([^`]*)$/;
const HEADING = /^ {0,3}(#{1,6})(?:\s+|$)/;
const RULE = /^ {0,3}(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$/;
const ITEM = /^( {0,3})([-*+]|\d{1,9}[.)])( +|\t|$)/;
const QUOTE = /^ {0,3}> ?/;
const DIVIDER = /^\s*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*$/;

/**
 * @param {string} text
 * @returns {Block[]}
 */
export function parse(text) {
  return blocks(text.replace(/\r\n?/g, "\n").split("\n"), 0);
}

/**
 * @param {string[]} lines
 * @param {number} depth
 * @returns {Block[]}
 */
function blocks(lines, depth) {
  /** @type {Block[]} */
  const found = [];
  let at = 0;
  while (at < lines.length) {
    if (!lines[at].trim()) {
      at += 1;
      continue;
    }
    const [block, next] = (depth < DEEPEST && special(lines, at, depth)) || paragraph(lines, at);
    found.push(block);
    at = next;
  }
  return found;
}

/**
 * A block that its first line gives away, and the line after it.
 *
 * @param {string[]} lines
 * @param {number} at
 * @param {number} depth
 * @returns {[Block, number] | null}
 */
function special(lines, at, depth) {
  const line = lines[at];
  const fence = FENCE.exec(line);
  if (fence) return code(lines, at, fence);
  const heading = HEADING.exec(line);
  if (heading) {
    const content = inline(line.slice(heading[0].length).replace(/(?:^|\s)#+\s*$/, "").trim());
    return [{ kind: "heading", level: heading[1].length, content }, at + 1];
  }
  if (RULE.test(line)) return [{ kind: "rule" }, at + 1];
  if (QUOTE.test(line)) return quote(lines, at, depth);
  if (ITEM.test(line)) return list(lines, at, depth);
  if (line.includes("|") && DIVIDER.test(lines[at + 1] ?? "") && lines[at + 1].includes("-")) return table(lines, at);
  return null;
}

/**
 * @param {string[]} lines
 * @param {number} at
 * @returns {[Block, number]}
 */
function paragraph(lines, at) {
  let end = at + 1;
  while (end < lines.length && lines[end].trim() && !interrupts(lines[end])) end += 1;
  const text = lines.slice(at, end).map((line) => line.trimStart()).join("\n").trimEnd();
  return [{ kind: "paragraph", content: inline(text) }, end];
}

/**
 * Whether a line begins a block of its own though no empty line stands before it.
 *
 * @param {string} line
 */
function interrupts(line) {
  const item = ITEM.exec(line);
  const begins = item && item[3] && (Number.isNaN(parseInt(item[2], 10)) || parseInt(item[2], 10) === 1);
  return Boolean(begins) || FENCE.test(line) || HEADING.test(line) || RULE.test(line) || QUOTE.test(line);
}

/**
 * @param {string[]} lines
 * @param {number} at
 * @param {RegExpExecArray} fence
 * @returns {[Block, number]}
 */
function code(lines, at, fence) {
  const mark = fence[1];
  const margin = lines[at].indexOf(mark);
  const closes = (/** @type {string} */ line) => {
    const text = line.trim();
    return text.length >= mark.length && text === mark[0].repeat(text.length);
  };
  let end = at + 1;
  while (end < lines.length && !closes(lines[end])) end += 1;
  const body = lines.slice(at + 1, end).map((line) => line.slice(Math.min(margin, line.length - line.trimStart().length)));
  return [{ kind: "code", info: fence[2].trim(), text: body.join("\n"), open: end >= lines.length }, end + 1];
}

/**
 * @param {string[]} lines
 * @param {number} at
 * @param {number} depth
 * @returns {[Block, number]}
 */
function quote(lines, at, depth) {
  let end = at;
  while (end < lines.length && QUOTE.test(lines[end])) end += 1;
  const inside = lines.slice(at, end).map((line) => line.replace(QUOTE, ""));
  return [{ kind: "quote", blocks: blocks(inside, depth + 1) }, end];
}

/**
 * @param {string[]} lines
 * @param {number} at
 * @param {number} depth
 * @returns {[Block, number]}
 */
function list(lines, at, depth) {
  const first = /** @type {RegExpExecArray} */ (ITEM.exec(lines[at]));
  const mark = first[2].slice(-1);
  /** @type {Block[][]} */
  const items = [];
  let item = /** @type {RegExpExecArray | null} */ (first);
  while (item && item[2].slice(-1) === mark) {
    const width = item[0].length - (item[3].length > 4 ? item[3].length - 1 : 0) + (item[3] ? 0 : 1);
    const end = itemEnd(lines, at, width);
    const inside = [lines[at].slice(width), ...lines.slice(at + 1, end).map((line) => dedent(line, width))];
    items.push(blocks(inside, depth + 1));
    at = end;
    item = at < lines.length && !RULE.test(lines[at]) ? ITEM.exec(lines[at]) : null;
  }
  return [{ kind: "list", start: /\d/.test(first[2]) ? parseInt(first[2], 10) : null, items }, at];
}

/**
 * The line after an item: lines belong to it while they are indented, or go on with its paragraph.
 *
 * @param {string[]} lines
 * @param {number} at
 * @param {number} width
 */
function itemEnd(lines, at, width) {
  let end = at + 1;
  while (end < lines.length) {
    const line = lines[end];
    const indented = line.length - line.trimStart().length >= Math.min(width, 2);
    if (!line.trim()) {
      const next = lines.slice(end, end + 3).find((later) => later.trim());
      const goesOn = next !== undefined && (next.length - next.trimStart().length >= Math.min(width, 2) || ITEM.test(next));
      if (!goesOn) break;
    } else if (!indented && (ITEM.test(line) || interrupts(line) || !lines[end - 1].trim())) {
      break;
    }
    end += 1;
  }
  return end;
}

/**
 * @param {string} line
 * @param {number} width
 */
function dedent(line, width) {
  return line.slice(Math.min(width, line.length - line.trimStart().length));
}

/**
 * @param {string[]} lines
 * @param {number} at
 * @returns {[Block, number] | null}
 */
function table(lines, at) {
  const align = cells(lines[at + 1]).map((rule) => {
    if (rule.endsWith(":")) return rule.startsWith(":") ? "center" : "right";
    return "left";
  });
  let end = at + 2;
  while (end < lines.length && lines[end].includes("|")) end += 1;
  const all = [lines[at], ...lines.slice(at + 2, end)].map((line) => cells(line).map(inline));
  const width = all.reduce((most, row) => Math.max(most, row.length), 0);
  if (width * all.length > MOST_CELLS) return null;
  const columns = Array.from({ length: width }, (_, column) => column);
  const [head, ...rows] = all.map((row) => columns.map((column) => row[column] ?? []));
  return [{ kind: "table", head, rows, align: columns.map((column) => align[column] ?? "left") }, end];
}

/** @param {string} line */
function cells(line) {
  const inner = line.trim().replace(/^\|/, "").replace(/(?<!\\)\|$/, "");
  return inner.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));
}
