// Clients from npm, none of them ours, against a running server.
//
//     npm install ollama @mistralai/mistralai @continuedev/openai-adapters tabby-agent      (in a folder of its own)
//     codegem serve --port 8012
//     node benchmarks/clients.mjs http://127.0.0.1:8012 path/to/that/folder
//
// Each must give what the server itself says to a plain request. The Python clients are in tests/server/test_clients_*.py.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { resolve } from "node:path";

const [url = "http://127.0.0.1:8012", folder = "."] = process.argv.slice(2);
const load = createRequire(resolve(folder, "package.json"));
const prefix = "class Box:\n    def get(self):\n        return ";
const suffix = "\n\n    def set(self, value):\n        self.value = value\n";
const hole = Object.freeze({ model: "nano", prompt: prefix, suffix }); // some clients write into what they are given

const plain = await fetch(`${url}/v1/completions`, { method: "POST", body: JSON.stringify(hole) });
const middle = (await plain.json()).choices[0].text;
assert(middle, "the server suggests nothing here; take another model or another hole");
const done = (name) => console.log(`ok  ${name}`);
const joined = async (parts, textOf) => {
  let text = "";
  for await (const part of parts) text += textOf(part) ?? "";
  return text;
};

const { Ollama } = load("ollama");
const ollama = new Ollama({ host: url });
assert.equal((await ollama.generate({ ...hole })).response, middle);
assert.equal(await joined(await ollama.generate({ ...hole, stream: true }), (part) => part.response), middle);
const starcoder = `<fim_prefix>${prefix}<fim_suffix>${suffix}<fim_middle>`;
assert.equal((await ollama.generate({ model: "nano", prompt: starcoder, raw: true })).response, middle);
assert.equal((await ollama.list()).models.length, 1);
assert((await ollama.show({ model: "nano" })).template.includes(".Suffix"));
const endless = await ollama.generate({ model: "nano", prompt: "1, 2, 3,", raw: true, stream: true });
await assert.rejects(async () => {
  for await (const _ of endless) endless.abort();
}, /abort/i);
done("ollama: generate, stream, raw, list, show, abort");

const { Mistral } = load("@mistralai/mistralai");
const mistral = new Mistral({ apiKey: "any", serverURL: url });
assert.equal((await mistral.fim.complete(hole)).choices[0].message.content, middle);
assert.equal(await joined(await mistral.fim.stream(hole), (part) => part.data.choices[0].delta.content), middle);
done("@mistralai/mistralai: fim.complete, fim.stream");

const { constructLlmApi } = load("@continuedev/openai-adapters");
for (const provider of ["mistral", "openai"]) {
  const api = constructLlmApi({ provider, apiKey: "any", apiBase: `${url}/v1/` });
  const parts = api.fimStream({ ...hole, max_tokens: 64, stream: true }, new AbortController().signal);
  assert.equal(await joined(parts, (part) => part.choices[0].delta.content), middle);
  assert.equal((await api.list()).length, 1);
  done(`@continuedev/openai-adapters as ${provider}: fimStream, list`);
}

const { TabbyAgent } = load("tabby-agent");
const agent = new TabbyAgent();
await agent.initialize({ config: { server: { endpoint: url, token: "" } } });
assert.equal(agent.getStatus(), "ready");
const place = { filepath: "/p/box.py", language: "python", text: prefix + suffix, position: prefix.length };
const answer = await agent.provideCompletions({ ...place, manually: true, workspace: "/p" });
assert(answer.choices[0].text.includes(middle.trim()));
for (const type of ["view", "select"]) {
  const event = { type, completion_id: answer.id, choice_index: 0, view_id: "1", elapsed: 100 };
  assert(await agent.postEvent(event));
}
await agent.finalize();
done("tabby-agent: health, completion, events");
process.exit(0);
