// The files that are open in the playground: the one with the cursor is filled, the others are read along.

import { make, rove } from "./dom.mjs";
import { Editor } from "./editor.mjs";

/**
 * A path that no other file has.
 *
 * @param {string[]} taken
 * @param {string} [beside] a path of the same folder and language
 */
export function freePath(taken, beside = "") {
  const folder = beside.slice(0, beside.lastIndexOf("/") + 1);
  const ending = /\.\w+$/.exec(beside)?.[0] ?? ".py";
  for (let number = 1; ; number += 1) {
    const path = `${folder}untitled${number > 1 ? `_${number}` : ""}${ending}`;
    if (!taken.includes(path)) return path;
  }
}

/**
 * Names for tabs: the last part of each path, and as much more as tells it from the others.
 *
 * @param {string[]} paths
 */
export function shortNames(paths) {
  return paths.map((path, index) => {
    const parts = path.split("/");
    for (let count = 1; count < parts.length; count += 1) {
      const name = parts.slice(-count).join("/");
      if (!paths.some((other, at) => at !== index && `/${other}`.endsWith(`/${name}`))) return name;
    }
    return path || "unnamed";
  });
}

/** Tabs and editors; at least one file is always open. */
export class Files {
  /**
   * @param {{tabs: HTMLElement, editors: HTMLElement, onChange: (typed: boolean) => void,
   *   onKey: (event: KeyboardEvent) => boolean, onSwitch: () => void}} options
   */
  constructor({ tabs, editors, onChange, onKey, onSwitch }) {
    this.tabs = tabs;
    this.editors = editors;
    this.options = { onChange, onKey };
    this.onSwitch = onSwitch;
    /** @type {Editor[]} */
    this.all = [];
    this.at = 0;
    tabs.addEventListener("keydown", (event) => {
      const buttons = /** @type {HTMLElement[]} */ ([...tabs.children]);
      const moved = rove(event, buttons);
      if (moved) this.show(buttons.indexOf(moved));
    });
  }

  get current() {
    return this.all[this.at];
  }

  /** The other files as (path, text), in the order of the tabs. */
  get others() {
    return this.all.filter((editor) => editor !== this.current && editor.text.trim()).map(({ path, text }) => ({ path, text }));
  }

  /**
   * @param {string} path
   * @param {string} text
   */
  add(path, text) {
    const editor = new Editor({ text, path, ...this.options });
    this.all.push(editor);
    this.editors.append(editor.element);
    this.show(this.all.length - 1);
  }

  remove() {
    if (this.all.length === 1) return;
    const [editor] = this.all.splice(this.at, 1);
    editor.close();
    this.show(Math.min(this.at, this.all.length - 1));
  }

  /** @param {string} path of the current file from now on */
  rename(path) {
    this.current.rename(path);
    this.#drawTabs();
  }

  /** @param {number} index */
  show(index) {
    this.at = index;
    this.all.forEach((editor, at) => (editor.element.hidden = at !== index));
    this.#drawTabs();
    this.onSwitch();
  }

  #drawTabs() {
    const names = shortNames(this.all.map(({ path }) => path));
    const focused = this.tabs.contains(document.activeElement);
    const buttons = this.all.map((editor, index) => make("button", {
      role: "tab", title: editor.path, "aria-selected": String(index === this.at), tabindex: index === this.at ? 0 : -1,
      click: () => this.show(index),
    }, names[index]));
    this.tabs.replaceChildren(...buttons);
    if (focused) buttons[this.at].focus();
  }
}
