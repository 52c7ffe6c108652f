// Reading answers that come in parts.

/**
 * Lines of a stream of bytes, as they come, without their ends; the last one may lack its end.
 *
 * @param {ReadableStream<Uint8Array>} stream cancelled when the reader stops early
 * @returns {AsyncGenerator<string>}
 */
export async function* lines(stream) {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let begun = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      const parts = (begun + decoder.decode(value, { stream: !done })).split("\n");
      begun = parts.pop() ?? "";
      for (const line of parts) yield line.replace(/\r$/, "");
      if (done) break;
    }
    if (begun) yield begun;
  } finally {
    reader.cancel().catch(() => {}); // it has failed or ended by itself
  }
}

/**
 * Objects of a stream of JSON lines (NDJSON).
 *
 * @param {ReadableStream<Uint8Array>} stream
 * @returns {AsyncGenerator<any>}
 */
export async function* objects(stream) {
  for await (const line of lines(stream)) if (line.trim()) yield JSON.parse(line);
}

/**
 * Objects of a stream of server-sent events as OpenAI's servers send it, up to `[DONE]`.
 *
 * @param {ReadableStream<Uint8Array>} stream
 * @returns {AsyncGenerator<any>}
 */
export async function* events(stream) {
  for await (const line of lines(stream)) {
    if (!line.startsWith("data:")) continue;
    const data = line.slice(5).trim();
    if (data === "[DONE]") return;
    yield JSON.parse(data);
  }
}
