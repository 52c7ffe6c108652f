import assert from "node:assert/strict";
import { test } from "node:test";
import { filesToShow, packagesOf } from "../scripts/notices.js";

test("each package of a bundle once, also one within another", () => {
  const inputs = [
    "src/extension.js",
    "node_modules/semver/index.js",
    "node_modules/semver/classes/range.js",
    "node_modules/@a/b/main.js",
    "node_modules/semver/node_modules/lru/index.js",
  ];
  assert.deepEqual(packagesOf(inputs), ["node_modules/@a/b", "node_modules/semver", "node_modules/semver/node_modules/lru"]);
});

test("licenses first, then notices, and nothing else", () => {
  const names = ["thirdpartynotices.txt", "README.md", "License.txt", "licenses.js", "lib"];
  assert.deepEqual(filesToShow("node_modules/a", names), ["License.txt", "thirdpartynotices.txt"]);
});

test("a package without a license is an error", () => {
  assert.throws(() => filesToShow("node_modules/a", ["README.md"]), /node_modules\/a .* no license file/);
});
