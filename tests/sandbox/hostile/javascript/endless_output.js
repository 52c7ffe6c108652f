// expected: over the output limit
const fs = require("fs");
for (;;) {
  fs.writeSync(1, "x".repeat(9999));
}
