// expected: over the memory limit | fails
const kept = [];
for (;;) {
  kept.push(new Array(1 << 16).fill(kept.length));
}
