// Node's own channel: a parent and the child that it forked say messages to each other. The parent's standard
// input is its lifeline: at its end both end. First line of output: both ids; then, after a line of input, one
// object with all that was found.
const { fork } = require('child_process');
const [role, serialization, bytes, warmup, roundTrips, oneWay] = process.argv.slice(-6);
const now = () => process.hrtime.bigint(); // CLOCK_MONOTONIC
const DIFFERENT = 61, APART = 64, IN_FLIGHT = 64;

let state = 7, text = '';
while (text.length < Number(bytes) + APART * DIFFERENT) {
  state = (Math.imul(state, 1103515245) + 12345) >>> 0;
  text += String.fromCharCode(97 + (state >>> 16) % 26);
}
const messages = Array.from({ length: DIFFERENT }, (_, n) => text.slice(n * APART, n * APART + Number(bytes)));
const of = (number) => messages[number % DIFFERENT];

const used = () => {
  const { userCPUTime, systemCPUTime, voluntaryContextSwitches, involuntaryContextSwitches } = process.resourceUsage();
  return [(userCPUTime + systemCPUTime) * 1000, voluntaryContextSwitches, involuntaryContextSwitches];
};
const less = (after, before) => after.map((figure, n) => figure - before[n]);

function child() {
  let before, number = 0, first, wrong = 0;
  const orders = {
    begin() { before = used(); process.send({ begun: true }); },
    end() { process.send({ used: less(used(), before) }); },
    taken() { process.send({ taken: number, ns: Number(now() - first), wrong }); },
  };
  process.on('disconnect', () => process.exit());
  process.on('message', (said) => {
    if (said.order) return orders[said.order]();
    if (!said.pour) return process.send(said);
    number += 1;
    if (number === 1) first = now();
    if (said.data !== of(number)) wrong += 1;
  });
}

function parent() {
  const child = fork('-e', [process.env.FIVEWAYS_CHANNEL, 'child', ...process.argv.slice(-5)], { serialization });
  let hear;
  child.on('message', (said) => hear(said));
  child.on('exit', () => process.exit(1));
  const heard = () => new Promise((resolve) => { hear = resolve; });
  const order = (which) => { child.send({ order: which }); return heard(); };
  const leave = () => { child.removeAllListeners('exit').once('exit', () => process.exit()).disconnect(); };
  const fail = (why) => { console.log(JSON.stringify({ wrong: why })); leave(); return new Promise(() => {}); };

  async function toAndFro(length) {
    const times = [], end = now() + BigInt(length);
    for (let number = 1, begun; number === 1 || begun < end; number += 1) {
      begun = now();
      child.send({ data: of(number) });
      const said = await heard();
      times.push(Number(now() - begun));
      if (said.data !== of(number)) await fail(`message ${number} is not what was sent`);
    }
    return times;
  }

  async function pour(length) {
    const end = now() + BigInt(length);
    let number = 0, open = 0, wake = () => {};
    while (number < 2 || now() < end) {
      number += 1;
      open += 1;
      child.send({ pour: true, data: of(number) }, () => { open -= 1; wake(); });
      while (open >= IN_FLIGHT) await new Promise((resolve) => { wake = resolve; });
    }
    const found = await order('taken');
    if (found.wrong || found.taken !== number) await fail(`of ${number} messages ${found.taken} came, ${found.wrong} wrong`);
    return found;
  }

  process.stdin.on('end', leave);
  process.stdin.once('data', async () => {
    await toAndFro(warmup);
    await order('begin');
    const before = used();
    const times = await toAndFro(roundTrips);
    const mine = less(used(), before), theirs = (await order('end')).used;
    const poured = Number(oneWay) ? await pour(oneWay) : { taken: 0, ns: 0 };
    console.log(JSON.stringify({ times, used: mine.map((one, n) => one + theirs[n]), taken: poured.taken, ns: poured.ns }));
    leave();
  });
  console.log(`${process.pid} ${child.pid}`);
}

role === 'child' ? child() : parent();
