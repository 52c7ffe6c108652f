// The playground for filling: joins files, suggestions, settings, and what is told about the answer.

import { AnswerPanel, brief } from "./answer.mjs";
import { ask, sentence } from "./api.mjs";
import { announce, byId } from "./dom.mjs";
import { Files, freePath } from "./files.mjs";
import { EXAMPLES } from "./examples.mjs";
import { objects } from "./stream.mjs";
import { Suggester } from "./suggesting.mjs";

/** @typedef {import("./editing.mjs").Place} Place */

const APPLE = /Mac|iPhone|iPad/.test(navigator.platform); // there Ctrl and an arrow switch desktops

export class FillView {
  constructor() {
    this.panel = new AnswerPanel();
    this.brief = ""; // of the answer that is shown
    this.suggester = new Suggester({
      ask: (place, signal, onText) => this.#ask(place, signal, onText),
      show: (text, state) => this.#show(text, state),
      fail: (error) => this.#say(error.message, "error"),
    });
    this.files = new Files({
      tabs: byId("files"),
      editors: byId("editors"),
      onChange: (typed) => this.#changed(typed),
      onKey: (event) => this.#key(event),
      onSwitch: () => this.#switched(),
    });
    this.#listen();
    if (APPLE) document.querySelectorAll(".word-key").forEach((key) => (key.textContent = "⌘"));
    for (const { path, text } of EXAMPLES) this.files.add(path, text.replace("▮", ""));
    this.files.current.moveTo(EXAMPLES[EXAMPLES.length - 1].text.indexOf("▮"));
  }

  /** The view came to the front. */
  enter() {
    this.files.current.draw();
    this.files.current.focus();
  }

  #listen() {
    byId("add-file").addEventListener("click", () => {
      this.files.add(freePath(this.files.all.map(({ path }) => path), this.files.current.path), "");
      this.files.current.focus();
    });
    byId("remove-file").addEventListener("click", () => this.files.remove());
    byId("path").addEventListener("input", (/** @type {any} */ event) => {
      this.files.rename(event.target.value.trim());
      this.suggester.clear();
    });
    byId("path").addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      if (event.key === "Enter") this.files.current.focus();
    });
    byId("settings").addEventListener("input", () => {
      this.suggester.automatic = byId("settings").elements.automatic.checked;
      this.suggester.clear();
    });
    byId("settings").addEventListener("submit", (/** @type {Event} */ event) => event.preventDefault());
    const buttons = { accept: () => this.#accept(false), "accept-word": () => this.#accept(true), dismiss: () => this.suggester.dismiss(),
      "ask-now": () => this.suggester.byHand() };
    for (const [id, action] of Object.entries(buttons)) {
      // The cursor stays in the editor, and a phone's keyboard open.
      byId(id).addEventListener("pointerdown", (/** @type {Event} */ event) => event.preventDefault());
      byId(id).addEventListener("click", () => {
        this.files.current.focus();
        action();
      });
    }
  }

  #switched() {
    this.suggester.clear();
    byId("path").value = this.files.current.path;
    byId("remove-file").disabled = this.files.all.length === 1;
    this.#changed(false);
  }

  /** @param {boolean} typed */
  #changed(typed) {
    const { current } = this.files;
    if (!current) return;
    const [line, column] = current.position;
    byId("position").textContent = `${line}:${column}`;
    this.suggester.changed(current.place, typed);
  }

  /**
   * @param {KeyboardEvent} event
   * @returns {boolean} whether the key was one of the playground's
   */
  #key(event) {
    const { key } = event;
    const bare = !event.ctrlKey && !event.metaKey && !event.altKey && !event.shiftKey;
    const control = APPLE ? event.metaKey : event.ctrlKey;
    const asks = (event.ctrlKey && key === " ") || (event.altKey && event.code === "Backslash");
    if (asks) this.suggester.byHand();
    else if (key === "Tab" && bare && this.suggester.text) this.#accept(false);
    else if (key === "ArrowRight" && control && !event.shiftKey && this.suggester.text) this.#accept(true);
    else if (key === "Escape" && bare) return this.suggester.dismiss();
    else return false;
    return true;
  }

  /** @param {boolean} word */
  #accept(word) {
    this.files.current.insert(this.suggester.taken(word));
  }

  /**
   * @param {string} text
   * @param {"idle" | "waiting" | "shown" | "nothing"} state
   */
  #show(text, state) {
    this.files.current.suggest(text);
    byId("choices").hidden = !text;
    byId("ask-now").hidden = Boolean(text);
    if (!text) this.brief = "";
    const words = { idle: "", waiting: "Asking…", nothing: "Nothing to suggest here.", shown: this.brief };
    this.#say(words[state], "");
  }

  /**
   * @param {string} text
   * @param {"" | "error"} kind
   */
  #say(text, kind) {
    byId("state").textContent = text;
    byId("state").className = `state ${kind}`;
    if (kind === "error" || text.startsWith("Nothing")) announce(text);
  }

  /**
   * @param {Place} place
   * @param {AbortSignal} signal
   * @param {(text: string) => void} onText
   */
  async #ask(place, signal, onText) {
    const fields = byId("settings").elements;
    if (!byId("settings").reportValidity()) throw new Error("One of the settings is out of range.");
    const body = {
      ...place,
      path: this.files.current.path || null,
      context: this.files.others,
      max_tokens: fields.max_tokens.valueAsNumber,
      temperature: fields.temperature.valueAsNumber,
      seed: fields.seed.valueAsNumber,
      lines: fields.lines.value,
      rules: fields.rules.checked,
      probabilities: 5,
      prompt: byId("prompt-part").open,
    };
    let ended = false;
    for await (const part of objects(await ask("codegem/fill", { body, signal }))) {
      if (signal.aborted) return;
      ended ||= this.#part(part, onText);
    }
    if (!ended && !signal.aborted) throw new Error("The server stopped in the middle of its answer.");
  }

  /**
   * @param {any} part a line of the answer, as server/playground.py describes them
   * @param {(text: string) => void} onText
   * @returns {boolean} whether it is the last
   */
  #part(part, onText) {
    if (part.type === "begin") this.panel.begin();
    else if (part.type === "prompt") this.panel.prompt(part.pieces, part.tokens);
    else if (part.type === "tokens") this.panel.add(part.tokens);
    else if (part.type === "text") onText(part.text.replaceAll("\r\n", "\n"));
    else if (part.error) throw new Error(sentence(part) ?? "The server could not go on.");
    else if (part.type === "end") {
      this.panel.end(part);
      this.brief = brief(part);
      if (part.text) announce(`Suggestion: ${part.text.trim()}. Tab accepts, Escape dismisses.`);
    }
    return part.type === "end";
  }
}
