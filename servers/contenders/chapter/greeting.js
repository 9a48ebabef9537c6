// What the four ways start: says who started it, and sends it as a message where there is a channel.
const by = process.argv[2];
console.log(`started by ${by}`);
if (process.send) process.send({ startedBy: by });
