// The other listener. In print, the child calls `on` where it means `end`: a listener for an event of the name
// "handle by child!", and no function to call. That throws (ERR_INVALID_ARG_TYPE) at the first connection that the
// child accepts: it dies, that client is answered nothing, and from then on the parent serves alone.
const asPrinted = process.argv[2] === "as-printed";
process.on("message", (message, server) => {
  if (message !== "server") return;
  server.on("connection", (socket) => {
    if (asPrinted) socket.on("handle by child!");
    else socket.end("handled by child!\n");
  });
});
