// expected: over the process limit | out of time | fails | held
const { spawn } = require("child_process");
for (let number = 0; number < 50; number++) {
  spawn(process.execPath, [__filename], { stdio: "inherit", detached: true }).on("error", () => {});
}
