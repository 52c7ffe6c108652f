// expected: held
const fs = require("fs");
const { spawnSync } = require("child_process");
for (const path of ["@SECRET@", "/etc/shadow", "/proc/1/root@SECRET@", "/root/.ssh", "/home"]) {
  try {
    fs.statSync(path);
    console.log("ESCAPED", path);
  } catch {}
  if (spawnSync("/bin/cat", [path]).stdout.length) {
    console.log("ESCAPED", path);
  }
}
const known = ["PATH", "HOME", "TMPDIR", "LANG", "PWD", "OLDPWD"];
console.log(Object.keys(process.env).every((name) => known.includes(name)) ? "held" : "ESCAPED");
