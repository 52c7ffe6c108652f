// Building elements. Text becomes text nodes and never markup, whoever wrote it.

/**
 * An element with attributes, listeners and children.
 *
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, string | number | boolean | null | undefined | ((event: any) => void)>} [attributes]
 *   A function listens to the event of its name; true is an attribute without a value; false, null and undefined
 *   are left out.
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, String(value));
  }
  element.append(...children);
  return element;
}

/**
 * The element of the page with this id.
 *
 * @param {string} id
 * @returns {any}
 */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found;
}

/**
 * Say something to those who listen to the page.
 *
 * @param {string} text
 */
export function announce(text) {
  byId("live").textContent = text;
}

/**
 * Move the focus and the one tab stop among elements that arrow keys walk through.
 *
 * @param {KeyboardEvent} event
 * @param {HTMLElement[]} elements in their order
 * @returns {HTMLElement | null} the element that has the focus now, if the key was one of these
 */
export function rove(event, elements) {
  const here = elements.indexOf(/** @type {HTMLElement} */ (event.target));
  const last = elements.length - 1;
  const steps = { ArrowRight: here + 1, ArrowDown: here + 1, ArrowLeft: here - 1, ArrowUp: here - 1, Home: 0, End: last };
  const next = /** @type {Record<string, number | undefined>} */ (steps)[event.key];
  if (here < 0 || next === undefined || event.ctrlKey || event.metaKey || event.altKey) return null;
  event.preventDefault();
  const element = elements[Math.max(0, Math.min(last, next))];
  elements.forEach((other) => (other.tabIndex = other === element ? 0 : -1));
  element.focus();
  return element;
}
