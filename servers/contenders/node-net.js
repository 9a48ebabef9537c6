// Node's net module, as short as it gets: {port} {address}, one event loop, back-pressure by pipe.
const [port, host] = process.argv.slice(2);
const server = require("node:net").createServer((socket) => {
  socket.setNoDelay(true);
  // Without this line one client's reset ends the whole server.
  socket.on("error", () => socket.destroy());
  socket.pipe(socket);
});
server.listen({ port: Number(port), host, backlog: 4096 }, () => {
  const { address, port } = server.address();
  console.log(`listening on ${address}:${port}`);
});
