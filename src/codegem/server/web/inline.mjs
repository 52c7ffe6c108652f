// What stands inside a line of Markdown: code, emphasis, links. One pass, and time linear in the text.

/**
 * @typedef {{kind: "text", text: string}
 *   | {kind: "code", text: string}
 *   | {kind: "break"}
 *   | {kind: "strong" | "emphasis" | "struck", content: Inline[]}
 *   | {kind: "link", href: string, content: Inline[]}} Inline
 *   A picture is a link too: nothing is loaded unless a person follows it.
 * @typedef {{mark: string, left: number, closes: boolean, opens: boolean, at: number}} Delimiter
 *   `at` is the place of its text among the pieces.
 */

const SAFE = /^(?:https?:\/\/|mailto:)/i;
const BARE = /^https?:\/\/[^\s<>"'`]{1,2000}/i;
const ENTITIES = /** @type {Record<string, string>} */ ({ lt: "<", gt: ">", amp: "&", quot: '"', "#39": "'", nbsp: "\u00a0" });
const LONGEST_ADDRESS = 2000;

/**
 * @param {string} text
 * @returns {Inline[]}
 */
export function inline(text) {
  return new Reader(text).read();
}

/**
 * An address that a link may have: of the web or of mail.
 *
 * @param {string} address
 */
export function safeAddress(address) {
  return SAFE.test(address) ? address : null;
}

class Reader {
  /** @param {string} text */
  constructor(text) {
    this.text = text;
    this.at = 0;
    /** @type {Inline[]} */
    this.pieces = [];
    /** @type {Delimiter[]} */
    this.open = [];
    /** @type {{at: number, delimiters: number}[]} */
    this.brackets = [];
    this.ticks = backticks(text);
  }

  read() {
    while (this.at < this.text.length) this.next();
    return joined(this.pieces);
  }

  next() {
    const character = this.text[this.at];
    if (character === "\\" && /[!-/:-@[-`{-~\n]/.test(this.text[this.at + 1] ?? "")) {
      this.escaped();
    } else if (character === "`") {
      this.code();
    } else if ("*_~".includes(character)) {
      this.delimiter(character);
    } else if (character === "[" || (character === "!" && this.text[this.at + 1] === "[")) {
      this.brackets.push({ at: this.pieces.length, delimiters: this.open.length });
      this.say(character === "!" ? "![" : "[");
    } else if (character === "]") {
      this.link();
    } else if (character === "\n") {
      this.lineBreak();
    } else {
      this.plain(character);
    }
  }

  /**
   * Text as it stands.
   *
   * @param {string} text
   * @param {number} [length] of what it stands for
   */
  say(text, length = text.length) {
    this.pieces.push({ kind: "text", text });
    this.at += length;
  }

  escaped() {
    const next = this.text[this.at + 1];
    if (next === "\n") {
      this.pieces.push({ kind: "break" });
      this.at += 2;
    } else {
      this.say(next, 2);
    }
  }

  lineBreak() {
    const last = this.pieces[this.pieces.length - 1];
    const hard = last?.kind === "text" && last.text.endsWith("  ");
    if (last?.kind === "text") last.text = last.text.trimEnd();
    this.pieces.push(hard ? { kind: "break" } : { kind: "text", text: "\n" });
    this.at += 1;
  }

  /** @param {string} character */
  plain(character) {
    const rest = this.text.slice(this.at, this.at + LONGEST_ADDRESS + 1);
    const entity = character === "&" && /^&(#39|[a-z]{2,4});/.exec(rest);
    if (entity && entity[1] in ENTITIES) return this.say(ENTITIES[entity[1]], entity[0].length);
    const starts = (character === "h" || character === "H") && !/[\p{L}\p{N}]/u.test(this.text[this.at - 1] ?? "");
    const bare = starts && BARE.exec(rest);
    if (bare) return this.bare(bare[0].replace(/[.,;:!?*_~)\]]+$/, ""));
    const more = /^[^\\`*_~![\]\n&hH]*/.exec(this.text.slice(this.at + 1, this.at + 4096))?.[0] ?? "";
    return this.say(character + more);
  }

  /** @param {string} address */
  bare(address) {
    this.pieces.push({ kind: "link", href: address, content: [{ kind: "text", text: address }] });
    this.at += address.length;
  }

  code() {
    const length = run(this.text, this.at, "`");
    const places = this.ticks.get(length) ?? [];
    while (places.length && places[0] <= this.at) places.shift();
    if (!places.length) return this.say("`".repeat(length));
    const inside = this.text.slice(this.at + length, places[0]).replaceAll("\n", " ");
    const padded = inside.startsWith(" ") && inside.endsWith(" ") && inside.trim() !== "";
    this.pieces.push({ kind: "code", text: padded ? inside.slice(1, -1) : inside });
    this.at = places[0] + length;
    return undefined;
  }

  /** @param {string} mark */
  delimiter(mark) {
    const length = run(this.text, this.at, mark);
    const before = this.text[this.at - 1] ?? " ";
    const after = this.text[this.at + length] ?? " ";
    const inWord = mark === "_" && /[\p{L}\p{N}]/u.test(before) && /[\p{L}\p{N}]/u.test(after);
    const delimiter = {
      mark,
      left: length,
      opens: !/\s/.test(after) && !inWord && !(mark === "_" && /[\p{L}\p{N}]/u.test(before)),
      closes: !/\s/.test(before) && !inWord && !(mark === "_" && /[\p{L}\p{N}]/u.test(after)),
      at: this.pieces.length,
    };
    this.say(mark.repeat(length));
    if (mark === "~" && length !== 2) return;
    if (delimiter.closes) this.close(delimiter);
    if (delimiter.left && delimiter.opens) this.open.push(delimiter);
  }

  /**
   * Wrap what stands between this delimiter and those that it closes.
   *
   * @param {Delimiter} closing
   */
  close(closing) {
    while (closing.left) {
      let index = this.open.length - 1;
      const floor = this.brackets[this.brackets.length - 1]?.delimiters ?? 0;
      while (index >= floor && this.open[index].mark !== closing.mark) index -= 1;
      if (index < floor) return;
      const opening = this.open[index];
      const used = closing.mark === "~" ? 2 : Math.min(2, opening.left, closing.left);
      const content = this.pieces.splice(opening.at + 1, this.pieces.length - opening.at - 2);
      const kind = closing.mark === "~" ? "struck" : used === 2 ? "strong" : "emphasis";
      const left = this.pieces[opening.at];
      if (left.kind === "text") left.text = left.text.slice(used);
      const end = /** @type {{kind: "text", text: string}} */ (this.pieces.pop());
      end.text = end.text.slice(used);
      this.pieces.push({ kind, content: joined(content) }, end);
      opening.left -= used;
      closing.left -= used;
      closing.at = this.pieces.length - 1;
      this.open.length = opening.left ? index + 1 : index;
    }
  }

  link() {
    const bracket = this.brackets.pop();
    const target = bracket && /^\]\(\s*(?:<([^<>\n]*)>|((?:[^\s()]|\([^\s()]*\))*))(?:\s+"[^"\n]*")?\s*\)/.exec(
      this.text.slice(this.at, this.at + LONGEST_ADDRESS),
    );
    const href = target && safeAddress(target[1] ?? target[2]);
    if (!bracket || !target || !href) return this.say("]"); // what must not be followed stays to be seen as it was written
    const content = joined(this.pieces.splice(bracket.at).slice(1));
    this.open.length = Math.min(this.open.length, bracket.delimiters);
    this.pieces.push({ kind: "link", href, content });
    this.at += target[0].length;
    return undefined;
  }
}

/**
 * Where runs of backticks stand, by their length.
 *
 * @param {string} text
 */
function backticks(text) {
  /** @type {Map<number, number[]>} */
  const found = new Map();
  for (const { 0: ticks, index } of text.matchAll(/`+/g)) {
    const places = found.get(ticks.length);
    if (places) places.push(index);
    else found.set(ticks.length, [index]);
  }
  return found;
}

/**
 * @param {string} text
 * @param {number} at
 * @param {string} character
 */
function run(text, at, character) {
  let end = at;
  while (text[end] === character) end += 1;
  return end - at;
}

/**
 * Neighbouring texts as one, and no empty ones.
 *
 * @param {Inline[]} pieces
 * @returns {Inline[]}
 */
function joined(pieces) {
  /** @type {Inline[]} */
  const found = [];
  for (const piece of pieces) {
    const last = found[found.length - 1];
    if (piece.kind !== "text") found.push(piece);
    else if (last?.kind === "text") last.text += piece.text;
    else if (piece.text) found.push({ ...piece });
  }
  return found;
}
