// The other end: `process` is what `child` is to the parent. It leaves, and with it the channel that keeps both alive.
process.on("message", (message) => {
  console.log(`child got ${JSON.stringify(message)}`);
  process.send({ hello: "parent" }, () => process.disconnect());
});
