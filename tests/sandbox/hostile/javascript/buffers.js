// expected: over the memory limit | fails
// Buffers are not part of the heap that an option limits.
const kept = [];
for (;;) {
  kept.push(Buffer.alloc(1 << 24, 1));
}
