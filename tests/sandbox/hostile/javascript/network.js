// expected: held
const net = require("net");
const dns = require("dns");
let waiting = 3;
const done = () => {
  waiting -= 1;
  if (waiting === 0) {
    console.log("held");
    process.exit(0);
  }
};
for (const address of [{ host: "127.0.0.1", port: @PORT@ }, { path: "\0@ADDRESS@" }]) {
  net.connect(address, () => console.log("ESCAPED")).on("error", done);
}
dns.lookup("example.com", (error, found) => {
  if (found) {
    console.log("ESCAPED", found);
  }
  done();
});
