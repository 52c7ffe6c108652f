// What the model said: its tokens with their probabilities, the prompt it read, and how long it took.

import { byId, make, rove } from "./dom.mjs";

/**
 * @typedef {{text: string, probability: number, likeliest: [string, number][]}} Token
 * @typedef {{text: string, special: boolean}} PromptPiece
 * @typedef {{stop_reason: string, text: string, tokens: number, prompt_tokens: number | null, cached_tokens: number | null,
 *   timings: {first_token: number | null, total: number, writing: number | null}}} End
 */

/** @type {Record<string, string>} */
const REASONS = { stop: "done", length: "token limit", cancelled: "cancelled" };
// Characters that show nothing, or that change the order in which others are shown.
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffd]/g;

/**
 * A token's text as a person can see it.
 *
 * @param {string} text
 */
export function visible(text) {
  const spaced = text.replaceAll("\n", "⏎").replaceAll("\t", "⇥").replaceAll(" ", "·");
  return spaced.replace(UNSEEN, (character) => `⟨${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`) || "∅";
}

/**
 * @param {number} probability
 */
export function percent(probability) {
  const value = 100 * probability;
  if (value > 99.9) return value === 100 ? "100 %" : "> 99.9 %";
  return value < 0.1 ? "< 0.1 %" : `${value.toFixed(value < 10 ? 1 : 0)} %`;
}

/**
 * A duration as a person reads it.
 *
 * @param {number} seconds
 */
export function duration(seconds) {
  if (seconds < 0.01) return `${(1000 * seconds).toFixed(1)} ms`;
  return seconds < 1 ? `${Math.round(1000 * seconds)} ms` : `${seconds.toFixed(seconds < 10 ? 2 : 1)} s`;
}

/**
 * What there is to say about an answer, in pairs of a name and a value.
 *
 * @param {End} end
 * @returns {[string, string][]}
 */
export function facts({ stop_reason, tokens, prompt_tokens, cached_tokens, timings }) {
  const { first_token, total, writing } = timings;
  // The first token is there when reading ends, so that the time of writing is that of the others.
  const speed = writing && tokens > 1 ? (tokens - 1) / writing : null;
  /** @type {[string, string | null][]} */
  const found = [
    ["First token", first_token === null ? null : duration(first_token)],
    ["In all", duration(total)],
    ["Speed", speed === null ? null : `${speed < 10 ? speed.toFixed(1) : Math.round(speed)} tokens/s`],
    ["Tokens", String(tokens)],
    ["Prompt", prompt_tokens === null ? null : `${prompt_tokens} tokens`],
    ["Cached", cached_tokens === null ? null : `${cached_tokens} tokens`],
    ["Ended", REASONS[stop_reason] ?? stop_reason],
  ];
  return /** @type {[string, string][]} */ (found.filter(([, value]) => value !== null));
}

/**
 * The same in a few words.
 *
 * @param {End} end
 */
export function brief({ tokens, timings }) {
  const { first_token, total } = timings;
  return `${tokens} ${tokens === 1 ? "token" : "tokens"} in ${duration(total)}${first_token === null ? "" : `, the first after ${duration(first_token)}`}`;
}

/** The panel beside the editor. */
export class AnswerPanel {
  constructor() {
    this.list = byId("tokens");
    this.tip = make("div", { id: "tip", class: "tip", role: "tooltip", hidden: true });
    document.body.append(this.tip);
    /** @type {Token[]} */
    this.tokens = [];
    /** @type {HTMLElement[]} of the tokens */
    this.elements = [];
    this.said = "";
    this.list.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      if (event.key === "Escape") this.#hideTip();
      else rove(event, this.elements);
    });
    this.list.addEventListener("focusin", (/** @type {FocusEvent} */ event) => this.#showTip(event.target));
    this.list.addEventListener("focusout", () => this.#hideTip());
    this.list.addEventListener("pointerover", (/** @type {PointerEvent} */ event) => this.#showTip(event.target));
    this.list.addEventListener("pointerleave", () => this.#hideTip());
    window.addEventListener("scroll", () => this.#hideTip(), { capture: true, passive: true });
  }

  /** A new answer begins. */
  begin() {
    this.tokens = [];
    this.elements = [];
    this.said = "";
    this.#hideTip();
    this.list.replaceChildren();
    byId("trimmed").hidden = true;
    byId("facts").hidden = true;
  }

  /** @param {Token[]} tokens */
  add(tokens) {
    byId("no-answer").hidden = true;
    this.list.hidden = false;
    byId("scale").hidden = false;
    for (const token of tokens) {
      const element = tokenElement(token, this.tokens.length);
      this.list.append(element);
      if (token.text.includes("\n")) this.list.append(make("div", { class: "row-end", role: "presentation" }));
      this.elements.push(element);
      this.tokens.push(token);
      this.said += token.text;
    }
  }

  /**
   * @param {PromptPiece[]} pieces
   * @param {number | null} tokens
   */
  prompt(pieces, tokens) {
    const size = tokens === null ? "" : `${tokens} tokens. `;
    byId("prompt-size").textContent = `${size}Special tokens are marked; text never makes one.`;
    const element = byId("prompt");
    element.hidden = false;
    element.replaceChildren(...pieces.map(({ text, special }) => (special ? make("mark", {}, text) : text)));
  }

  /** @param {End} end */
  end(end) {
    byId("no-answer").hidden = true;
    const list = byId("facts");
    list.hidden = false;
    list.replaceChildren(...facts(end).map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value))));
    this.#markTrimmed(end.text);
  }

  /**
   * Which tokens the rules took away.
   *
   * @param {string} shown
   */
  #markTrimmed(shown) {
    if (!this.tokens.length || this.said === shown) return;
    const start = this.said.indexOf(shown);
    const from = start < 0 || !shown ? 0 : start;
    const to = start < 0 ? 0 : from + shown.length;
    let at = 0;
    this.tokens.forEach((token, index) => {
      const gone = at + token.text.length <= from || at >= to;
      this.elements[index].classList.toggle("gone", gone);
      at += token.text.length;
    });
    const note = byId("trimmed");
    note.hidden = false;
    note.textContent = shown ? "Struck out: what the rules took away." : "The rules took all of it away.";
  }

  /** @param {EventTarget | null} target */
  #showTip(target) {
    const element = target instanceof HTMLElement && target.closest(".token");
    if (!(element instanceof HTMLElement)) return;
    const token = this.tokens[Number(element.dataset.index)];
    const taken = [token.text, token.probability];
    const others = token.likeliest.filter(([text]) => text !== token.text).slice(0, 5);
    const rows = [taken, ...others].map(([text, probability], index) => tipRow(String(text), Number(probability), index === 0));
    this.tip.replaceChildren(...rows);
    this.tip.hidden = false;
    const around = element.getBoundingClientRect();
    const { width, height } = this.tip.getBoundingClientRect();
    const above = around.bottom + height + 8 > window.innerHeight;
    this.tip.style.left = `${Math.max(8, Math.min(around.left, window.innerWidth - width - 8))}px`;
    this.tip.style.top = `${above ? Math.max(8, around.top - height - 6) : around.bottom + 6}px`;
  }

  #hideTip() {
    this.tip.hidden = true;
  }
}

/**
 * @param {Token} token
 * @param {number} index
 */
function tokenElement(token, index) {
  const element = make("span", {
    class: token.probability < 0.5 ? "token unsure" : "token", role: "option", tabindex: index ? -1 : 0,
    "data-index": index, "aria-label": describe(token), "aria-selected": "false",
  }, visible(token.text));
  element.style.setProperty("--doubt", `${Math.round(100 * (1 - token.probability))}%`);
  return element;
}

/** @param {Token} token */
function describe(token) {
  const others = token.likeliest.filter(([text]) => text !== token.text).slice(0, 3);
  const also = others.map(([text, probability]) => `${visible(text)} ${percent(probability)}`).join(", ");
  return `${visible(token.text)}, ${percent(token.probability)}${also && `; else ${also}`}`;
}

/**
 * @param {string} text
 * @param {number} probability
 * @param {boolean} taken
 */
function tipRow(text, probability, taken) {
  const bar = make("span", { class: "bar" });
  bar.style.setProperty("--share", `${(100 * probability).toFixed(1)}%`);
  return make("div", { class: taken ? "taken" : "" }, make("code", {}, visible(text)), bar, make("span", { class: "figure" }, percent(probability)));
}
