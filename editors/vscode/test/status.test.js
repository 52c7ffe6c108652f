import assert from "node:assert/strict";
import { test } from "node:test";
import { Counts } from "../src/counts.js";
import { readSettings } from "../src/settings.js";
import { shortName, status, whyNotStarted } from "../src/status.js";

const shown = (now, values = {}) =>
  status({ state: "ready", asking: 0, language: "python", problem: "", ...now }, readSettings((name) => values[name]), new Counts());

test("each state has its sign", () => {
  assert.equal(shown({}).text, "$(sparkle) nano");
  assert.equal(shown({ asking: 2 }).text, "$(loading~spin) nano");
  assert.equal(shown({ state: "starting" }).text, "$(loading~spin) nano");
  assert.equal(shown({ state: "stopped" }).text, "$(debug-stop) nano");
  assert.equal(shown({}, { enabled: false }).text, "$(circle-slash) nano");
  assert.equal(shown({}, { languages: { python: false } }).text, "$(circle-slash) nano");
  assert.match(shown({}, { languages: { python: false } }).tooltip, /off in python/);
});

test("a problem comes before all else", () => {
  const failed = shown({ state: "failed", problem: "gone" }, { enabled: false });
  assert.equal(failed.isProblem, true);
  assert.match(failed.tooltip, /^codegem: gone\n/);
});

test("a model's name is short", () => {
  assert.equal(shortName("google/codegemma-2b"), "codegemma-2b");
  assert.equal(shortName("/home/me/models/mine/"), "mine");
  assert.equal(shortName("C:\\models\\mine.gguf"), "mine.gguf");
  assert.equal(shortName("http://127.0.0.1:8012/v1#x"), "127.0.0.1:8012");
});

test("a program that is not there is told with the way out", () => {
  assert.match(whyNotStarted(["codegem"], { code: "ENOENT" }), /was not found: install it .* codegem\.command\.$/);
  assert.match(whyNotStarted(["codegem"], { code: "EACCES" }), /may not be executed/);
  assert.match(whyNotStarted(["codegem"], { message: "Command failed\ncodegem: bad" }), /\(Command failed\)/);
});

test("counts", () => {
  const counts = new Counts();
  assert.equal(counts.sentence(), "no suggestion yet");
  counts.offer();
  counts.offer();
  counts.offer();
  counts.accept();
  assert.equal(counts.sentence(), "1 of 3 suggestions taken in this window (33%)");
  const late = new Counts();
  late.accept();
  assert.equal(late.shown, 1);
});
