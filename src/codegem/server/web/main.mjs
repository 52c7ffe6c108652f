// The page: which view is in front, the theme, help, and which model there is.

import { ask } from "./api.mjs";
import { ChatView } from "./chat.mjs";
import { byId, make, rove } from "./dom.mjs";
import { FillView } from "./fill.mjs";

/** @typedef {{name: string, parameters: number | null, context_length: number, can_chat: boolean, chat_advice: string | null}} About */

const THEMES = /** @type {const} */ ({ auto: ["◐", "as the system"], light: ["☀", "light"], dark: ["☾", "dark"] });
const ASKED = "#/chat"; // the address of the chat: the name of no element, to which browsers would move the focus
const views = { fill: new FillView(), chat: new ChatView() };

/** @param {keyof typeof views} name */
function show(name) {
  for (const other of /** @type {(keyof typeof views)[]} */ (Object.keys(views))) {
    const chosen = other === name;
    byId(other).hidden = !chosen;
    byId(`tab-${other}`).setAttribute("aria-selected", String(chosen));
    byId(`tab-${other}`).tabIndex = chosen ? 0 : -1;
  }
  history.replaceState(null, "", name === "fill" ? location.pathname : ASKED);
}

/** @param {keyof typeof THEMES} theme */
function wear(theme) {
  const [sign, name] = THEMES[theme];
  document.documentElement.dataset.theme = theme;
  byId("theme").textContent = sign;
  byId("theme").setAttribute("aria-label", `Theme: ${name}`);
  byId("theme").title = `Theme: ${name}`;
  try {
    localStorage.setItem("codegem-theme", theme);
  } catch {
    // storage is forbidden here: the theme holds until the page is closed
  }
}

/** @param {KeyboardEvent} event */
function key(event) {
  const writing = event.target instanceof HTMLElement && event.target.matches("input:not([type=checkbox]), textarea, select");
  const number = event.altKey && !event.ctrlKey && !event.metaKey ? /^Digit([12])$/.exec(event.code) : null;
  if (number) {
    event.preventDefault();
    const name = number[1] === "1" ? "fill" : "chat";
    show(name);
    views[name].enter();
  } else if (event.key === "?" && !writing && !byId("keys").open) {
    event.preventDefault();
    byId("keys").showModal();
  }
}

/** @param {number} count */
function rounded(count) {
  const [unit, sign] = count >= 1e9 ? [1e9, " B"] : [1e6, " M"];
  return `${(count / unit).toPrecision(3).replace(/\.0+$/, "")}${sign}`;
}

async function tellModel() {
  const element = byId("model");
  try {
    const about = /** @type {About} */ (await new Response(await ask("codegem/about")).json());
    const parameters = about.parameters === null ? "" : ` · ${rounded(about.parameters)} parameters`;
    const more = make("span", { class: "more" }, `${parameters} · ${about.context_length} tokens`);
    element.replaceChildren(make("strong", {}, about.name), more);
    views.chat.tell(about);
  } catch (error) {
    element.textContent = /** @type {Error} */ (error).message;
  }
}

for (const name of /** @type {(keyof typeof views)[]} */ (Object.keys(views))) {
  byId(`tab-${name}`).addEventListener("click", () => {
    show(name);
    views[name].enter();
  });
}
byId("tab-fill").parentElement.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
  const moved = rove(event, [byId("tab-fill"), byId("tab-chat")]);
  if (moved) show(moved.id === "tab-fill" ? "fill" : "chat");
});
byId("theme").addEventListener("click", () => {
  const names = /** @type {(keyof typeof THEMES)[]} */ (Object.keys(THEMES));
  const now = names.indexOf(/** @type {keyof typeof THEMES} */ (document.documentElement.dataset.theme));
  wear(names[(now + 1) % names.length]);
});
byId("help").addEventListener("click", () => byId("keys").showModal());
document.addEventListener("keydown", key);
const worn = document.documentElement.dataset.theme ?? "auto";
wear(worn in THEMES ? /** @type {keyof typeof THEMES} */ (worn) : "auto");
const first = location.hash === ASKED ? "chat" : "fill";
show(first);
if (!matchMedia("(pointer: coarse)").matches) views[first].enter(); // a phone's keyboard would hide the page
tellModel();
