// The chapter's four ways to start a child, written anew: spawn, exec, execFile, fork. Each starts greeting.js.
// The first three differ in who reads the child's output; exec goes by way of a shell; fork adds a channel.
const { spawn, exec, execFile, fork } = require("node:child_process");
const greeting = `${__dirname}/greeting.js`;
const node = process.execPath;

// Output as it comes; what it ended with at the end.
const child = spawn(node, [greeting, "spawn"]);
child.stdout.on("data", (data) => process.stdout.write(data));
child.on("exit", (code) => console.log(`spawn's child ended with ${code}`));

// All output at once, or the error. A shell reads the command, so what it may misread is quoted.
exec(`"${node}" "${greeting}" exec`, (error, stdout) => process.stdout.write(error?.message ?? stdout));
execFile(node, [greeting, "execFile"], (error, stdout) => process.stdout.write(error?.message ?? stdout));

// A JavaScript file instead of a program, and a channel for messages.
fork(greeting, ["fork"]).on("message", (message) => console.log(`fork's child sent ${JSON.stringify(message)}`));
