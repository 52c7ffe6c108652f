// A conversation with the model. It stays in this page's memory and is gone with it.

import { ask, sentence } from "./api.mjs";
import { announce, byId, make } from "./dom.mjs";
import { renderInto } from "./rendering.mjs";
import { events } from "./stream.mjs";

/** @typedef {{role: "user" | "assistant", content: string}} Message */

export class ChatView {
  constructor() {
    /** @type {Message[]} */
    this.messages = [];
    this.name = "Model";
    /** @type {AbortController | null} */
    this.running = null;
    this.turns = byId("turns");
    this.question = byId("question");
    this.#listen();
    this.#welcome();
  }

  enter() {
    this.question.focus();
  }

  /**
   * What is known of the model.
   *
   * @param {{name: string, can_chat: boolean, chat_advice: string | null}} about
   */
  tell({ name, can_chat, chat_advice }) {
    this.name = name;
    this.advice = can_chat ? null : chat_advice;
    if (!this.messages.length) this.#welcome();
  }

  #listen() {
    byId("composer").addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      this.#send();
    });
    this.question.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#send();
    });
    this.question.addEventListener("input", () => fitHeight(this.question));
    byId("chat").addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      if (event.key === "Escape" && this.running) this.running.abort();
    });
    byId("stop").addEventListener("click", () => this.running?.abort());
    byId("new-chat").addEventListener("click", () => this.#startAgain());
    byId("system").addEventListener("input", () => {
      byId("system-mark").textContent = byId("system").value.trim() ? "· set" : "";
    });
  }

  #welcome() {
    const advice = this.advice ? [make("p", { class: "notice" }, this.advice)] : [];
    const hello = make("div", { class: "hello" }, make("h2", {}, "Ask about code"), make("p", { class: "quiet" },
      "Answers may be wrong. The conversation is kept in this page alone and is gone when you close it."), ...advice);
    this.turns.replaceChildren(hello);
  }

  #startAgain() {
    this.running?.abort();
    this.messages = [];
    byId("new-chat").hidden = true;
    byId("speed").textContent = "";
    this.#welcome();
    this.question.focus();
  }

  async #send() {
    const content = this.question.value.trim();
    if (!content || this.running) return;
    if (!this.messages.length) this.turns.replaceChildren();
    this.turns.querySelectorAll(".failed").forEach((/** @type {Element} */ element) => element.remove());
    this.question.value = "";
    fitHeight(this.question);
    this.messages.push({ role: "user", content });
    this.turns.append(turn("user", "You", make("p", { class: "asked" }, content)));
    const body = make("div", { class: "said" });
    this.turns.append(turn("model", this.name, body));
    await this.#answer(body, this.messages);
  }

  /**
   * @param {HTMLElement} element where the answer goes
   * @param {Message[]} messages that belong to this conversation, whatever is begun meanwhile
   */
  async #answer(element, messages) {
    const running = new AbortController();
    this.running = running;
    this.#busy(true);
    const answer = { role: /** @type {const} */ ("assistant"), content: "" };
    try {
      await this.#read(element, messages, answer, running.signal);
      messages.push(answer);
      announce("The answer is complete.");
    } catch (error) {
      this.#failed(element, messages, answer, running.signal.aborted ? null : /** @type {Error} */ (error));
    }
    if (this.running === running) {
      this.running = null;
      this.#busy(false);
    }
  }

  /**
   * @param {HTMLElement} element
   * @param {Message[]} messages
   * @param {Message} answer which grows
   * @param {AbortSignal} signal
   */
  async #read(element, messages, answer, signal) {
    const system = byId("system").value.trim();
    const all = system ? [{ role: "system", content: system }, ...messages] : messages;
    const started = performance.now();
    const body = { messages: all, stream: true, stream_options: { include_usage: true } };
    const stream = await ask("v1/chat/completions", { body, signal });
    const painter = new Painter(element, this.turns);
    let usage = null;
    let reason = "";
    for await (const event of events(stream)) {
      if (event.error) throw new Error(sentence(event) ?? "The server could not go on.");
      const choice = event.choices?.[0];
      answer.content += choice?.delta?.content ?? "";
      reason = choice?.finish_reason ?? reason;
      usage = event.usage ?? usage;
      painter.paint(answer.content);
    }
    painter.now(answer.content);
    if (!answer.content.trim()) element.append(make("p", { class: "quiet" }, "The model said nothing."));
    if (reason === "length") element.append(make("p", { class: "quiet" }, "Cut off: the model takes no more tokens."));
    if (usage) this.#speed(usage, (performance.now() - started) / 1000);
  }

  /**
   * @param {{completion_tokens: number, prompt_tokens: number}} usage
   * @param {number} seconds
   */
  #speed({ completion_tokens: tokens, prompt_tokens: read }, seconds) {
    byId("speed").textContent = `${read} tokens read, ${tokens} written · ${(tokens / seconds).toFixed(tokens / seconds < 10 ? 1 : 0)} tokens/s`;
  }

  /**
   * @param {HTMLElement} element
   * @param {Message[]} messages
   * @param {Message} answer as far as it came
   * @param {Error | null} error null when it was stopped
   */
  #failed(element, messages, answer, error) {
    renderInto(element, answer.content);
    const note = error ? make("p", { class: "notice error", role: "alert" }, error.message) : make("p", { class: "quiet" }, "Stopped.");
    element.append(note);
    if (answer.content) {
      messages.push(answer);
    } else {
      const asked = messages.pop(); // turns alternate: a question without an answer is asked anew
      const turn = element.parentElement;
      for (const part of [turn, turn?.previousElementSibling]) part?.classList.add("failed");
      if (this.messages === messages && !this.question.value) this.question.value = asked?.content ?? "";
    }
  }

  /** @param {boolean} busy */
  #busy(busy) {
    byId("send").hidden = busy;
    byId("stop").hidden = !busy;
    byId("new-chat").hidden = false;
    this.turns.setAttribute("aria-busy", String(busy));
  }
}

/** Draws a growing text, at most once for each frame, and keeps its end in sight of whoever is reading there. */
class Painter {
  /**
   * @param {HTMLElement} element
   * @param {HTMLElement} scroller
   */
  constructor(element, scroller) {
    this.element = element;
    this.scroller = scroller;
    this.frame = 0;
    this.text = "";
    this.scroller.scrollTop = this.scroller.scrollHeight;
  }

  /** @param {string} text */
  paint(text) {
    this.text = text;
    this.frame ||= requestAnimationFrame(() => this.now(this.text));
  }

  /** @param {string} text */
  now(text) {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    const { scrollHeight, scrollTop, clientHeight } = this.scroller;
    const atEnd = scrollHeight - scrollTop - clientHeight < 60;
    renderInto(this.element, text);
    if (atEnd) this.scroller.scrollTop = this.scroller.scrollHeight;
  }
}

/**
 * @param {"user" | "model"} speaker
 * @param {string} name
 * @param {HTMLElement} content
 */
function turn(speaker, name, content) {
  return make("article", { class: `turn ${speaker}` }, make("p", { class: "speaker" }, name), content);
}

/** @param {HTMLTextAreaElement} area */
function fitHeight(area) {
  area.style.height = "auto";
  area.style.height = `${Math.min(area.scrollHeight + 2, window.innerHeight / 3)}px`;
}
