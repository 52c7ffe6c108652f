// expected: out of time
process.on("SIGTERM", () => {});
process.on("SIGINT", () => {});
setInterval(() => {}, 1);
