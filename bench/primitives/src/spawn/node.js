// Starts children by one of node's own ways for so long; a line for each: from, first, reaped, entries.
const child_process = require('child_process');
const [way, warmup, window, times, program] = process.argv.slice(1);
const now = () => process.hrtime.bigint(); // CLOCK_MONOTONIC

let entries = 0;
const spawn = child_process.ChildProcess.prototype.spawn;
child_process.ChildProcess.prototype.spawn = function (...words) {
  entries += 1;
  return spawn.apply(this, words);
};

const began = (said) => said.subarray(16).toString() === '123\n'
  ? said.readBigInt64LE(0) * 1000000000n + said.readBigInt64LE(8) : 0n;

const ways = {
  'node-spawn'(done) {
    const said = [];
    const child = child_process.spawn(program, { stdio: ['ignore', 'pipe', 'ignore'] });
    child.stdout.on('data', (part) => said.push(part));
    child.on('close', () => done(began(Buffer.concat(said))));
  },
  'node-exec': (done) =>
    child_process.exec(program, { encoding: 'buffer' }, (error, said) => done(began(said))),
  'node-exec-file': (done) =>
    child_process.execFile(program, { encoding: 'buffer' }, (error, said) => done(began(said))),
  'node-fork'(done) {
    let first = 0n;
    const child = child_process.fork('-e', ['process.send(123, () => process.disconnect())']);
    child.on('message', (message) => { first = message === 123 ? now() : 0n; });
    child.on('close', () => done(first));
  },
};

const warm = now() + BigInt(warmup);
let end = warm + BigInt(window), made = 0, counted = 0;
(function next() {
  const from = now(), before = entries;
  ways[way]((first) => {
    const reaped = now();
    made += 1;
    if (from >= warm || made > 1) {
      counted += 1;
      console.log(`${from} ${first} ${reaped} ${entries - before}`);
    }
    const enough = Number(times) ? counted >= Number(times) : reaped >= end && counted >= 5;
    if (!enough) next();
  });
})();
