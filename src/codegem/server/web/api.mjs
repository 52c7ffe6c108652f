// Asking the server that this page came from. Where it wants a key, the browser asked for that with the page.

/** The server's answer was no; the message is its own sentence. */
export class Refused extends Error {}

/**
 * @param {string} path relative to the page, so that it works below a proxy's path too
 * @param {{body?: object, signal?: AbortSignal}} [options] a body is posted as JSON
 * @returns {Promise<ReadableStream<Uint8Array>>} what a server that agreed sends
 */
export async function ask(path, { body, signal } = {}) {
  const headers = /** @type {Record<string, string>} */ (body ? { "Content-Type": "application/json" } : {});
  const method = body ? "POST" : "GET";
  // Not against the address as it stands, which may hold a name and a key.
  const address = new URL(path, location.origin + location.pathname);
  let response;
  try {
    response = await fetch(address, { method, headers, body: body && JSON.stringify(body), signal });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Refused("The server can't be reached. Is codegem still running?");
  }
  if (!response.ok) throw new Refused(messageOf(await response.text(), response.status));
  if (!response.body) throw new Refused("The server sent nothing.");
  return response.body;
}

/**
 * The sentence in an answer that says what went wrong, in any of the shapes that servers use.
 *
 * @param {string} text
 * @param {number} status
 */
export function messageOf(text, status) {
  try {
    const found = sentence(JSON.parse(text));
    if (found) return found;
  } catch {
    // not JSON: the server is another, or something stands between
  }
  return `The server answered with status ${status}.`;
}

/**
 * @param {any} answer
 * @returns {string | null}
 */
export function sentence(answer) {
  const found = answer?.error?.message ?? answer?.error ?? answer?.message ?? answer?.detail;
  return typeof found === "string" && found ? found : null;
}
