// What keys mean in an editor for code: pure functions of a text and a selection.

/**
 * @typedef {{start: number, end: number, text: string, cursor: [number, number]}} Edit
 *   Put `text` in the place of start…end, and select `cursor` then.
 * @typedef {{prefix: string, suffix: string}} Place
 */

/**
 * One level of indentation as this text has it; four spaces where nothing tells.
 *
 * @param {string} text
 */
export function indentation(text) {
  const counts = new Map();
  let before = 0;
  for (const line of text.split("\n", 2000)) {
    if (!line.trim()) continue;
    if (line[0] === "\t") return "\t";
    const width = line.length - line.trimStart().length;
    if (width > before) counts.set(width - before, (counts.get(width - before) ?? 0) + 1);
    before = width;
  }
  const [step] = [...counts.entries()].filter(([width]) => width > 1 && width <= 8).sort((a, b) => b[1] - a[1])[0] ?? [4];
  return " ".repeat(step);
}

/**
 * Enter: the new line is indented as this one, and a level more after an opener or a colon.
 *
 * @param {string} text
 * @param {number} start
 * @param {number} end
 * @returns {Edit}
 */
export function lineBreak(text, start, end) {
  const line = text.slice(lineStart(text, start), start);
  const kept = /^[ \t]*/.exec(line)?.[0] ?? "";
  const opens = /[([{:]$/.test(line.trimEnd());
  const inserted = "\n" + kept + (opens ? indentation(text) : "");
  const at = start + inserted.length;
  return { start, end, text: inserted, cursor: [at, at] };
}

/**
 * Tab: up to the next stop, or every line of a selection one level deeper.
 *
 * @param {string} text
 * @param {number} start
 * @param {number} end
 * @returns {Edit}
 */
export function indent(text, start, end) {
  const unit = indentation(text);
  if (!text.slice(start, end).includes("\n")) {
    const column = start - lineStart(text, start);
    const inserted = unit === "\t" ? "\t" : " ".repeat(unit.length - (column % unit.length));
    return { start, end, text: inserted, cursor: [start + inserted.length, start + inserted.length] };
  }
  return reindent(text, start, end, (line) => (line ? unit + line : line));
}

/**
 * Shift and Tab: each line of the selection one level less deep.
 *
 * @param {string} text
 * @param {number} start
 * @param {number} end
 * @returns {Edit}
 */
export function outdent(text, start, end) {
  const { length } = indentation(text);
  return reindent(text, start, end, (line) => line.replace(/^(\t| +)/, (space) => (space === "\t" ? "" : space.slice(length))));
}

/**
 * A closing bracket as the first of its line: the line gets the indentation of the one with the opening bracket.
 *
 * @param {string} text
 * @param {number} start
 * @param {number} end
 * @param {string} bracket
 * @returns {Edit | null} null where the bracket is typed like anything else
 */
export function closing(text, start, end, bracket) {
  const from = lineStart(text, start);
  const margin = text.slice(from, start);
  if (start !== end || margin.trim() || !margin) return null;
  let depth = 0;
  let at = from - 1;
  while (at >= 0 && depth <= 0) {
    if (")]}".includes(text[at])) depth -= 1;
    if ("([{".includes(text[at])) depth += 1;
    at -= 1;
  }
  const wanted = /^[ \t]*/.exec(text.slice(lineStart(text, at + 1)))?.[0] ?? "";
  if (depth <= 0 || wanted.length >= margin.length) return null;
  const cursor = from + wanted.length + 1;
  return { start: from, end, text: wanted + bracket, cursor: [cursor, cursor] };
}

/**
 * The next word of a suggestion, with the white space before it.
 *
 * @param {string} text
 */
export function firstWord(text) {
  return /^\s*(?:[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]+|$)/u.exec(text)?.[0] || text;
}

/**
 * What is left of a suggestion that was made for another place; null where it does not fit this one.
 *
 * @param {Place} made
 * @param {string} suggestion
 * @param {Place} now
 * @returns {string | null} empty once all of it is typed
 */
export function remaining(made, suggestion, now) {
  if (now.suffix !== made.suffix || !now.prefix.startsWith(made.prefix)) return null;
  const typed = now.prefix.slice(made.prefix.length);
  return suggestion.startsWith(typed) ? suggestion.slice(typed.length) : null;
}

/**
 * Whether to suggest without being asked: hardly anything stands right of the cursor, and something before it.
 *
 * @param {Place} place
 */
export function worthAsking({ prefix, suffix }) {
  return suffix.split("\n", 1)[0].trimEnd().length <= 8 && prefix.trim() !== "";
}

/**
 * How long to wait after a key before asking, in milliseconds: a little longer than this person's keys are apart.
 *
 * @param {number[]} gaps milliseconds between the latest keys
 */
export function pause(gaps) {
  const usual = gaps.filter((gap) => gap < 1000).sort((a, b) => a - b);
  const middle = usual[Math.floor(usual.length / 2)] ?? 120;
  return Math.round(Math.min(400, Math.max(100, 1.25 * middle)));
}

/**
 * Line and column of an offset, counted from 1.
 *
 * @param {string} text
 * @param {number} at
 * @returns {[number, number]}
 */
export function position(text, at) {
  const before = text.slice(0, at).split("\n");
  return [before.length, [...before[before.length - 1]].length + 1];
}

/**
 * @param {string} text
 * @param {number} at
 */
function lineStart(text, at) {
  return at ? text.lastIndexOf("\n", at - 1) + 1 : 0;
}

/**
 * @param {string} text
 * @param {number} start
 * @param {number} end
 * @param {(line: string) => string} change
 * @returns {Edit}
 */
function reindent(text, start, end, change) {
  const from = lineStart(text, start);
  // A selection that ends before the first character of a line does not mean that line.
  const last = end > start && text[end - 1] === "\n" ? end - 1 : end;
  const to = text.indexOf("\n", last) < 0 ? text.length : text.indexOf("\n", last);
  const before = text.slice(from, to).split("\n");
  const after = before.map(change);
  const first = after[0].length - before[0].length;
  const whole = after.join("\n");
  const moved = whole.length - (to - from);
  return { start: from, end: to, text: whole, cursor: [Math.max(from, start + first), Math.max(from, end + moved)] };
}
