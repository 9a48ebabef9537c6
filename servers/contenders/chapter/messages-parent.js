// The chapter's messages, written anew: the parent sends, and hears what its child sends, over a domain socket.
const child = require("node:child_process").fork(`${__dirname}/messages-child.js`);
child.on("message", (message) => console.log(`parent got ${JSON.stringify(message)}`));
child.send({ hello: "child" });
