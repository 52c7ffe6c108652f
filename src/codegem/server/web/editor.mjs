// An editor for code with a suggestion at the cursor.
//
// A plain text area takes keys, selections, undo and what assistive technology needs; its own text is transparent.
// Under it lies the same text in colours, with the suggestion.

import { make } from "./dom.mjs";
import { closing, indent, lineBreak, outdent, position } from "./editing.mjs";
import { Sheet, drawnLines } from "./sheet.mjs";

/** @typedef {import("./editing.mjs").Edit} Edit */

export class Editor {
  /**
   * @param {{text: string, path: string, onChange: (typed: boolean) => void, onKey: (event: KeyboardEvent) => boolean}} options
   *   `onChange` after the text or the cursor changed; `onKey` says whether it dealt with a key.
   */
  constructor({ text, path, onChange, onKey }) {
    this.onChange = onChange;
    this.onKey = onKey;
    this.path = path;
    this.ghost = "";
    this.leaving = false;
    this.composing = false;
    this.sheet = new Sheet();
    this.area = make("textarea", {
      class: "area", spellcheck: "false", autocapitalize: "off", autocomplete: "off", autocorrect: "off", wrap: "off",
      "aria-describedby": "editor-hint", translate: "no",
    });
    this.element = make("div", { class: "editor" }, this.sheet.gutter, make("div", { class: "sheet" }, this.sheet.code, this.area));
    this.area.value = text;
    this.last = { text, start: 0, end: 0 };
    this.selected = () => this.focused && this.#notice(false);
    this.#listen();
    this.rename(path);
  }

  /** Gone from the page for good. */
  close() {
    document.removeEventListener("selectionchange", this.selected);
    this.element.remove();
  }

  get text() {
    return this.area.value;
  }

  get focused() {
    return document.activeElement === this.area;
  }

  /** Where a suggestion would go; null in a selection, and while a character is being composed. */
  get place() {
    const { selectionStart: start, selectionEnd: end, value } = this.area;
    if (start !== end || this.composing) return null;
    return { prefix: value.slice(0, start), suffix: value.slice(start) };
  }

  get position() {
    return position(this.text, this.area.selectionEnd);
  }

  /** @param {string} path */
  rename(path) {
    this.path = path;
    this.area.setAttribute("aria-label", `Code of ${path || "a file without a name"}`);
    this.draw();
  }

  focus() {
    this.area.focus({ preventScroll: true });
  }

  /**
   * Put the cursor somewhere.
   *
   * @param {number} at
   */
  moveTo(at) {
    this.area.setSelectionRange(at, at);
    this.#notice(false);
  }

  /** @param {string} text what is suggested at the cursor */
  suggest(text) {
    if (text === this.ghost) return;
    this.ghost = text;
    this.draw();
  }

  /**
   * Type text at the cursor, so that it can be undone.
   *
   * @param {string} text
   */
  insert(text) {
    const { selectionStart: start, selectionEnd: end } = this.area;
    this.apply({ start, end, text, cursor: [start + text.length, start + text.length] });
  }

  /** @param {Edit} edit */
  apply({ start, end, text, cursor }) {
    this.focus();
    this.area.setSelectionRange(start, end);
    // The only way to change a text area that undo knows of; where it is not there, undo is lost and nothing else.
    const command = text ? "insertText" : "delete";
    if ((text || start !== end) && !document.execCommand(command, false, text)) {
      this.area.setRangeText(text, start, end, "end");
    }
    this.area.setSelectionRange(...cursor);
    this.#notice(true);
  }

  draw() {
    const lines = drawnLines(this.text, this.path, this.ghost, this.area.selectionEnd);
    const more = this.ghost.split("\n").length - 1;
    this.sheet.draw(lines);
    this.area.style.setProperty("--more", String(more)); // room below the last line
    this.element.style.setProperty("--digits", String(Math.max(2, String(lines.length - more).length)));
    this.sheet.scrollTo(this.area.scrollLeft, this.area.scrollTop);
  }

  #listen() {
    this.area.addEventListener("input", () => this.#notice(true));
    this.area.addEventListener("keydown", (event) => this.#key(event));
    this.area.addEventListener("scroll", () => this.sheet.scrollTo(this.area.scrollLeft, this.area.scrollTop));
    this.area.addEventListener("pointerdown", (event) => this.#pointed(event));
    this.area.addEventListener("compositionstart", () => (this.composing = true));
    this.area.addEventListener("compositionend", () => {
      this.composing = false;
      this.#notice(true, true);
    });
    document.addEventListener("selectionchange", this.selected);
  }

  /**
   * Tell of a change, once.
   *
   * @param {boolean} typed
   * @param {boolean} [always] also if nothing seems to have changed
   */
  #notice(typed, always = false) {
    const { selectionStart: start, selectionEnd: end, value: text } = this.area;
    const { last } = this;
    if (!always && last.text === text && last.start === start && last.end === end) return;
    const edited = last.text !== text;
    this.last = { text, start, end };
    this.onChange(typed && (edited || always));
    if (edited) this.draw();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.isComposing) return;
    this.#notice(false); // the browser tells of a moved cursor later than of the next key
    const leaves = this.leaving && event.key === "Tab";
    if (!["Shift", "Control", "Alt", "Meta"].includes(event.key)) this.leaving = false;
    if (leaves) return; // Esc and then Tab: the focus goes on, as everywhere else on a page
    if (this.onKey(event)) {
      event.preventDefault();
      return;
    }
    if (event.key === "Escape") this.leaving = true;
    const edit = this.#meaning(event);
    if (edit) {
      event.preventDefault();
      this.apply(edit);
    }
  }

  /**
   * @param {KeyboardEvent} event
   * @returns {Edit | null}
   */
  #meaning({ key, ctrlKey, metaKey, altKey, shiftKey }) {
    const { selectionStart: start, selectionEnd: end, value } = this.area;
    const types = !metaKey && (!ctrlKey || altKey); // many keyboards type brackets with Alt, or with both
    if (types && ")]}".includes(key) && !this.ghost.startsWith(key)) return closing(value, start, end, key);
    if (ctrlKey || metaKey || altKey) return null;
    if (key === "Enter" && !shiftKey) return lineBreak(value, start, end);
    if (key === "Tab") return (shiftKey ? outdent : indent)(value, start, end);
    return null;
  }

  /**
   * While several lines are suggested, the lines below stand lower than the text area has them.
   *
   * @param {PointerEvent} event
   */
  #pointed(event) {
    if (!this.ghost || event.button !== 0) return;
    this.element.classList.add("probing"); // lets the point through to the drawn lines
    const at = this.sheet.offsetAt(event.clientX, event.clientY);
    this.element.classList.remove("probing");
    this.suggest("");
    if (at === null) return;
    event.preventDefault();
    this.focus();
    this.moveTo(at);
  }
}
