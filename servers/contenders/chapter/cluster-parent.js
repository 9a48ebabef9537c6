// The chapter's cluster, written anew: {port} [as-printed]. The parent listens and sends its listening socket to the
// child by a message; then both accept from one port. What is wrong in print is in cluster-child.js.
const [port, mode = "mended"] = process.argv.slice(2);
const child = require("node:child_process").fork(`${__dirname}/cluster-child.js`, [mode]);
child.on("exit", (code) => console.log(`child ended with ${code}`));

const server = require("node:net").createServer();
server.on("connection", (socket) => socket.end("handled by parent!\n"));
server.listen({ port: Number(port), host: "127.0.0.1" }, () => {
  child.send("server", server, () => {
    const { address, port } = server.address();
    console.log(`listening on ${address}:${port}`);
  });
});
