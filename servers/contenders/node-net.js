// Node's net module, as short as it gets: one event loop, back-pressure by pipe.
const server = require("node:net").createServer((socket) => {
  socket.setNoDelay(true);
  // Without this line one client's reset ends the whole server.
  socket.on("error", () => socket.destroy());
  socket.pipe(socket);
});
server.listen({ port: Number(process.argv[2]), host: "127.0.0.1", backlog: 4096 }, () => {
  const { address, port } = server.address();
  console.log(`listening on ${address}:${port}`);
});
