// When to ask for a suggestion, which one is shown, and which is forgotten. No page and no network: both are given.

import { firstWord, pause, remaining, worthAsking } from "./editing.mjs";

/**
 * @typedef {import("./editing.mjs").Place} Place
 * @typedef {{place: Place, text: string, done: boolean, aborter: AbortController}} Suggestion
 *   The text that came so far, for the place it was asked for.
 * @typedef {object} Surroundings
 * @property {(place: Place, signal: AbortSignal, onText: (text: string) => void) => Promise<void>} ask
 *   Resolves when all text came; rejects when there was a mistake.
 * @property {(text: string, state: "idle" | "waiting" | "shown" | "nothing") => void} show
 *   What to show at the cursor now; empty for nothing.
 * @property {(error: Error) => void} fail
 * @property {(run: () => void, milliseconds: number) => () => void} [later] gives the function that forgets it
 * @property {() => number} [now]
 */

const REMEMBERED = 24;

/** Suggestions at one cursor: at most one request at a time, and never an answer to an older question. */
export class Suggester {
  /** @param {Surroundings} surroundings */
  constructor({ ask, show, fail, later = afterwards, now = () => performance.now() }) {
    this.surroundings = { ask, show, fail, later, now };
    this.automatic = true;
    /** @type {Suggestion[]} finished ones, the latest last */
    this.kept = [];
    /** @type {Suggestion | null} */
    this.running = null;
    /** @type {Place | null} where the cursor is; null while nothing may be suggested */
    this.place = null;
    /** @type {Place | null} where the person wanted none */
    this.dismissed = null;
    /** What is shown. */
    this.text = "";
    /** @type {number[]} */
    this.gaps = [];
    this.last = -Infinity;
    this.forget = () => {};
  }

  /**
   * The text was changed, or the cursor moved.
   *
   * @param {Place | null} place null where nothing can be suggested, as in a selection
   * @param {boolean} typed whether the person changed the text, rather than moved
   */
  changed(place, typed) {
    this.forget();
    this.place = place;
    if (typed) this.#keyed();
    if (this.#shown()) return;
    this.#drop();
    if (typed) this.#startLater();
  }

  /** Ask now, whatever stands around the cursor. */
  byHand() {
    this.forget();
    this.dismissed = null;
    if (this.place && !this.#shown()) this.#start();
  }

  /**
   * The person wants no suggestion here.
   *
   * @returns {boolean} whether there was one, or one was on its way
   */
  dismiss() {
    this.forget();
    const had = this.text !== "" || this.running !== null;
    if (had) this.dismissed = this.place;
    this.#drop();
    return had;
  }

  /**
   * What to put in at the cursor when the person accepts.
   *
   * @param {boolean} word only the next word
   */
  taken(word) {
    return word ? firstWord(this.text) : this.text;
  }

  /** Settings or other files have changed: what is known was the answer to another question. */
  clear() {
    this.forget();
    this.kept = [];
    this.dismissed = null;
    this.#drop();
  }

  #keyed() {
    const now = this.surroundings.now();
    this.gaps = [...this.gaps.slice(-7), now - this.last];
    this.last = now;
  }

  /** @param {Place} place */
  #sameAsDismissed({ prefix, suffix }) {
    return this.dismissed?.prefix === prefix && this.dismissed.suffix === suffix;
  }

  /** Show what is known for this place, and keep what is still on its way to it. */
  #shown() {
    const place = this.place;
    if (!place || this.#sameAsDismissed(place)) return false;
    for (const known of [this.running, ...[...this.kept].reverse()]) {
      const rest = known && remaining(known.place, known.text, place);
      if (rest || (rest === "" && known === this.running)) {
        if (known !== this.running) this.#abort();
        this.#say(rest, rest ? "shown" : "waiting");
        return true;
      }
    }
    return false;
  }

  #startLater() {
    const place = this.place;
    if (!this.automatic || !place || this.#sameAsDismissed(place) || !worthAsking(place)) return;
    this.forget = this.surroundings.later(() => this.#start(), pause(this.gaps));
  }

  /** Show nothing, and want nothing that is on its way. */
  #drop() {
    this.#abort();
    this.#say("", "idle");
  }

  #abort() {
    this.running?.aborter.abort();
    this.running = null;
  }

  async #start() {
    const place = this.place;
    if (!place) return;
    this.#abort();
    const suggestion = { place, text: "", done: false, aborter: new AbortController() };
    this.running = suggestion;
    this.#say("", "waiting");
    try {
      await this.surroundings.ask(place, suggestion.aborter.signal, (text) => {
        if (this.running !== suggestion) return; // the person went on: too late to be shown
        suggestion.text += text;
        if (this.#shown()) return;
        this.#drop(); // what was typed meanwhile is not what came
        this.#startLater();
      });
      if (this.running === suggestion) this.#finish(suggestion);
    } catch (error) {
      if (this.running !== suggestion) return;
      this.#drop();
      this.surroundings.fail(/** @type {Error} */ (error));
    }
  }

  /** @param {Suggestion} suggestion */
  #finish(suggestion) {
    suggestion.done = true;
    this.running = null;
    this.kept = [...this.kept.slice(1 - REMEMBERED), suggestion];
    if (!this.#shown()) this.#say("", "nothing");
  }

  /**
   * @param {string} text
   * @param {"idle" | "waiting" | "shown" | "nothing"} state
   */
  #say(text, state) {
    this.text = text;
    this.surroundings.show(text, state);
  }
}

/**
 * @param {() => void} run
 * @param {number} milliseconds
 */
function afterwards(run, milliseconds) {
  const timer = setTimeout(run, milliseconds);
  return () => clearTimeout(timer);
}
