import assert from "node:assert/strict";
import test from "node:test";

import { Suggester } from "../../../src/codegem/server/web/suggesting.mjs";

/** A suggester with a clock that stands and a server that answers when it is told to. */
function world() {
  const all = { asked: [], shown: "", state: "", failed: [], timers: [] };
  const suggester = new Suggester({
    ask: (place, signal, onText) => new Promise((resolve, reject) => {
      all.asked.push({ place, signal, say: onText, end: resolve, fail: reject });
      signal.addEventListener("abort", () => reject(new Error("aborted")));
    }),
    show: (text, state) => Object.assign(all, { shown: text, state }),
    fail: (error) => all.failed.push(error.message),
    later: (run, milliseconds) => {
      const timer = { run, milliseconds };
      all.timers.push(timer);
      return () => (all.timers = all.timers.filter((other) => other !== timer));
    },
    now: () => 0,
  });
  const tick = () => all.timers.splice(0).forEach(({ run }) => run());
  const typed = (prefix, suffix = "\nend") => suggester.changed({ prefix, suffix }, true);
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  return { all, suggester, tick, typed, settled };
}

test("a pause in typing asks once, and what comes is shown as it comes", async () => {
  const { all, tick, typed, settled } = world();
  typed("r");
  typed("re");
  assert.equal(all.timers.length, 1);
  assert.equal(all.asked.length, 0);
  tick();
  assert.deepEqual(all.asked.map(({ place }) => place.prefix), ["re"]);
  assert.equal(all.state, "waiting");
  all.asked[0].say("tu");
  all.asked[0].say("rn x");
  assert.deepEqual([all.shown, all.state], ["turn x", "shown"]);
  all.asked[0].end();
  await settled();
  assert.equal(all.shown, "turn x");
});

test("typing what is suggested goes on through it, with no request", async () => {
  const { all, tick, typed, settled } = world();
  typed("re");
  tick();
  all.asked[0].say("turn");
  typed("ret");
  assert.equal(all.shown, "urn");
  assert.ok(!all.asked[0].signal.aborted);
  all.asked[0].say(" x");
  assert.equal(all.shown, "urn x");
  all.asked[0].end();
  await settled();
  typed("retu");
  assert.equal(all.shown, "rn x");
  typed("ret"); // taken back
  assert.equal(all.shown, "urn x");
  assert.equal(all.timers.length, 0);
  assert.equal(all.asked.length, 1);
});

test("another key ends the request, and a late answer is never shown", async () => {
  const { all, tick, typed, settled } = world();
  typed("re");
  tick();
  all.asked[0].say("turn");
  typed("rex");
  assert.equal(all.shown, "");
  assert.ok(all.asked[0].signal.aborted);
  all.asked[0].say(" too late");
  assert.equal(all.shown, "");
  await settled();
  assert.deepEqual(all.failed, []);
  tick();
  assert.equal(all.asked[1].place.prefix, "rex");
});

test("an answer that contradicts what was typed before it came is not shown", () => {
  const { all, tick, typed } = world();
  typed("re");
  tick();
  typed("re"); // the same place again: the request goes on
  assert.ok(!all.asked[0].signal.aborted);
  typed("ret");
  assert.ok(all.asked[0].signal.aborted);
  all.asked[0].say("moved");
  assert.equal(all.shown, "");
});

test("moving the cursor hides and asks nothing; coming back shows what is known", async () => {
  const { all, suggester, tick, typed, settled } = world();
  typed("re");
  tick();
  all.asked[0].say("turn");
  all.asked[0].end();
  await settled();
  suggester.changed({ prefix: "r", suffix: "e\nend" }, false);
  assert.deepEqual([all.shown, all.timers.length], ["", 0]);
  suggester.changed(null, false);
  assert.equal(all.shown, "");
  suggester.changed({ prefix: "re", suffix: "\nend" }, false);
  assert.equal(all.shown, "turn");
});

test("a dismissed suggestion stays away until something is typed or it is asked for by hand", async () => {
  const { all, suggester, tick, typed, settled } = world();
  typed("re");
  tick();
  all.asked[0].say("turn");
  all.asked[0].end();
  await settled();
  assert.equal(suggester.dismiss(), true);
  assert.equal(all.shown, "");
  assert.equal(suggester.dismiss(), false);
  suggester.changed({ prefix: "re", suffix: "\nend" }, false);
  assert.equal(all.shown, "");
  suggester.byHand();
  assert.equal(all.shown, "turn");
});

test("dismissing stops a request that is on its way", () => {
  const { all, suggester, tick, typed } = world();
  typed("re");
  tick();
  assert.equal(suggester.dismiss(), true);
  assert.ok(all.asked[0].signal.aborted);
});

test("automatic and by hand", () => {
  const { all, suggester, typed } = world();
  suggester.automatic = false;
  typed("re");
  assert.equal(all.timers.length, 0);
  suggester.byHand();
  assert.equal(all.asked.length, 1);
  typed("re", " and much more to the right");
  suggester.automatic = true;
  typed("rex", " and much more to the right");
  assert.equal(all.timers.length, 0);
  suggester.byHand();
  assert.equal(all.asked.length, 2);
});

test("a mistake is told, and only of the request that matters", async () => {
  const { all, tick, typed, settled } = world();
  typed("re");
  tick();
  all.asked[0].fail(new Error("busy"));
  await settled();
  assert.deepEqual(all.failed, ["busy"]);
  typed("ret");
  tick();
  typed("retx");
  all.asked[1].fail(new Error("late"));
  await settled();
  assert.deepEqual(all.failed, ["busy"]);
});

test("nothing to suggest is said, and asked again only by hand", async () => {
  const { all, tick, typed, settled } = world();
  typed("re");
  tick();
  all.asked[0].end();
  await settled();
  assert.equal(all.state, "nothing");
});

test("what was known is forgotten when the question changes", async () => {
  const { all, suggester, tick, typed, settled } = world();
  typed("re");
  tick();
  all.asked[0].say("turn");
  all.asked[0].end();
  await settled();
  suggester.clear();
  suggester.changed({ prefix: "re", suffix: "\nend" }, false);
  assert.equal(all.shown, "");
});

test("accepted while it is written, the rest comes after it", () => {
  const { all, suggester, tick, typed } = world();
  typed("re");
  tick();
  all.asked[0].say("turn x");
  assert.equal(suggester.taken(true), "turn");
  typed("re" + suggester.taken(false));
  assert.deepEqual([all.shown, all.state], ["", "waiting"]);
  all.asked[0].say(" + 1");
  assert.equal(all.shown, " + 1");
});
