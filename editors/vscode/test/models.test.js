import assert from "node:assert/strict";
import { test } from "node:test";
import { modelChoices } from "../src/models.js";

const LISTED = JSON.stringify([
  { name: "nano", format: "Hugging Face", weights: "bfloat16", parameters: 5900544 },
  { name: "google/codegemma-2b", format: "Hugging Face", weights: "bfloat16", parameters: 2506172416 },
  { name: "broken", problem: "cut" },
]);

test("the model in use is first, damaged ones are left out", () => {
  assert.deepEqual(modelChoices(LISTED, "google/codegemma-2b"), [
    { label: "google/codegemma-2b", description: "in use  2.5 B parameters, bfloat16, Hugging Face" },
    { label: "nano", description: "5.9 M parameters, bfloat16, Hugging Face" },
  ]);
});

test("a model that is not listed can be in use", () => {
  assert.deepEqual(modelChoices("[]", "/m/x.gguf"), [{ label: "/m/x.gguf", description: "in use" }]);
});

test("what is no list gives none", () => {
  for (const text of ["", "{}", "no", "[null, 3]"]) assert.equal(modelChoices(text, "nano").length, 1);
});
