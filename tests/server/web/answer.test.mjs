import assert from "node:assert/strict";
import test from "node:test";

import { duration, facts, percent, visible } from "../../../src/codegem/server/web/answer.mjs";
import { messageOf } from "../../../src/codegem/server/web/api.mjs";
import { freePath, shortNames } from "../../../src/codegem/server/web/files.mjs";
import { events, objects } from "../../../src/codegem/server/web/stream.mjs";

/** A stream of these bytes in pieces of a size. */
function stream(text, size) {
  const bytes = new TextEncoder().encode(text);
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.slice(at, at + size));
      at += size;
    },
  });
}

async function all(generator) {
  const found = [];
  for await (const one of generator) found.push(one);
  return found;
}

test("streams are read however they are cut", async () => {
  for (const size of [1, 2, 3, 7, 1000]) {
    assert.deepEqual(await all(objects(stream('{"a":"é😀"}\n\n{"a":2}\r\n{"a":3}', size))), [{ a: "é😀" }, { a: 2 }, { a: 3 }]);
    const sent = ': hello\ndata: {"a":"ü"}\n\nevent: x\ndata:{"a":2}\r\n\r\ndata: [DONE]\n\ndata: {"a":3}\n';
    assert.deepEqual(await all(events(stream(sent, size))), [{ a: "ü" }, { a: 2 }]);
  }
});

test("a reader that stops early ends the stream", async () => {
  let cancelled = false;
  const endless = new ReadableStream({
    pull: (controller) => controller.enqueue(new TextEncoder().encode("{}\n")),
    cancel: () => void (cancelled = true),
  });
  for await (const _ of objects(endless)) break;
  assert.ok(cancelled);
});

test("errors in every shape that servers have", () => {
  assert.equal(messageOf('{"error":{"message":"a"}}', 400), "a");
  assert.equal(messageOf('{"error":"b"}', 400), "b");
  assert.equal(messageOf('{"detail":"c"}', 400), "c");
  for (const text of ["<html>", "", "null", "[]", '{"error":{}}', '{"error":""}']) {
    assert.equal(messageOf(text, 502), "The server answered with status 502.");
  }
});

test("tokens are shown so that nothing hides in them", () => {
  assert.equal(visible(" a\n\t"), "·a⏎⇥");
  assert.equal(visible("a\u202eb\u200b\u0007\r"), "a⟨202E⟩b⟨200B⟩⟨0007⟩⟨000D⟩");
  assert.equal(visible(""), "∅");
  assert.equal(visible("<img>é漢😀"), "<img>é漢😀");
});

test("figures as people read them", () => {
  assert.deepEqual([1, 0.9996, 0.876, 0.0512, 0.0004, 0].map(percent), ["100 %", "> 99.9 %", "88 %", "5.1 %", "< 0.1 %", "< 0.1 %"]);
  assert.deepEqual([0.0042, 0.0123, 0.5, 2.345, 61].map(duration), ["4.2 ms", "12 ms", "500 ms", "2.35 s", "61.0 s"]);
});

test("what is said of an answer, and nothing that is not known", () => {
  const timings = { first_token: 0.02, total: 0.12, writing: 0.1 };
  const end = { stop_reason: "stop", text: "x", tokens: 21, prompt_tokens: 30, cached_tokens: 10, timings };
  assert.deepEqual(Object.fromEntries(facts(end)), {
    "First token": "20 ms", "In all": "120 ms", Speed: "200 tokens/s", Tokens: "21", Prompt: "30 tokens", Cached: "10 tokens", Ended: "done",
  });
  const unknown = { ...end, prompt_tokens: null, cached_tokens: null, timings: { first_token: null, total: 1, writing: null } };
  assert.deepEqual(facts(unknown).map(([name]) => name), ["In all", "Tokens", "Ended"]);
});

test("names of files", () => {
  assert.equal(freePath([], ""), "untitled.py");
  assert.equal(freePath(["src/untitled.rs"], "src/main.rs"), "src/untitled_2.rs");
  assert.deepEqual(shortNames(["a/x.py", "b/x.py", "c.py", ""]), ["a/x.py", "b/x.py", "c.py", "unnamed"]);
  assert.deepEqual(shortNames(["x.py", "a/x.py"]), ["x.py", "a/x.py"]);
});
