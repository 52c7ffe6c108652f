import assert from "node:assert/strict";
import { test } from "node:test";
import { commandLine, needsRestart, readSettings, serverCommand, wants, withLanguageToggled } from "../src/settings.js";

const read = (values) => readSettings((name) => values[name]);

test("nothing set is nano, everywhere on", () => {
  assert.deepEqual(read({}), { enabled: true, languages: {}, model: "nano", command: ["codegem"] });
});

test("what can't be is as if it were not set", () => {
  const odd = read({ enabled: "yes", languages: [1], model: " ", command: "codegem; rm -rf /" });
  assert.deepEqual(odd, { enabled: true, languages: {}, model: "nano", command: ["codegem"] });
  assert.deepEqual(read({ command: [] }).command, ["codegem"]);
  assert.deepEqual(read({ command: ["a", 3] }).command, ["codegem"]);
  assert.deepEqual(read({ languages: { python: false, go: "no" } }).languages, { python: false });
});

test("on and off by language", () => {
  const settings = read({ languages: { markdown: false } });
  assert.equal(wants(settings, "python"), true);
  assert.equal(wants(settings, "markdown"), false);
  assert.equal(wants(read({ enabled: false }), "python"), false);
});

test("toggling a language twice leaves it on", () => {
  const off = withLanguageToggled(read({}), "go");
  assert.deepEqual(off, { go: false });
  assert.deepEqual(withLanguageToggled(read({ languages: off }), "go"), { go: true });
});

test("arguments go to the program one by one", () => {
  const settings = read({ command: ["/a b/codegem", "-v"], model: "x; y" });
  assert.deepEqual(serverCommand(settings), { command: "/a b/codegem", args: ["-v", "lsp", "--model", "x; y"] });
  assert.deepEqual(commandLine(read({}), "--version"), { command: "codegem", args: ["--version"] });
});

test("only the model and the program need another server", () => {
  assert.equal(needsRestart(read({}), read({ enabled: false, languages: { go: false } })), false);
  assert.equal(needsRestart(read({}), read({ model: "m" })), true);
  assert.equal(needsRestart(read({}), read({ command: ["c"] })), true);
});
