// Node's cluster module, as short as it gets: {port} {address} {workers} rr|shared. rr, the default: the primary accepts
// and passes connections in turn. shared: it passes the listening socket, and the workers accept from it themselves.
const cluster = require("node:cluster");
const [port, host, workers, policy] = process.argv.slice(2);
cluster.schedulingPolicy = policy === "shared" ? cluster.SCHED_NONE : cluster.SCHED_RR;

if (cluster.isPrimary) {
  let listening = 0;
  // One that dies is replaced, but not for ever when the port is not to be had.
  cluster.on("exit", () => (listening < workers ? process.exit(1) : cluster.fork()));
  cluster.on("listening", (_, { address, port }) => {
    if (++listening === Number(workers)) console.log(`listening on ${address}:${port}`);
  });
  for (let i = 0; i < workers; i++) cluster.fork();
} else {
  const server = require("node:net").createServer((socket) => {
    socket.setNoDelay(true);
    // Without this line one client's reset ends the whole worker.
    socket.on("error", () => socket.destroy());
    socket.pipe(socket);
  });
  server.listen({ port: Number(port), host, backlog: 4096 });
}
