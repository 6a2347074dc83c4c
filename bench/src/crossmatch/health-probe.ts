// Asks URL/healthz every 20 ms until its standard input ends; then prints the seconds of each answer as JSON. In a process
// of its own: a client that drains a gigabyte would time its own event loop. node health-probe.js URL
import { Agent, get } from 'node:http';

const PAUSE_MS = 20;
const agent = new Agent({ keepAlive: true });
const url = `${process.argv[2]}/healthz`;
const seconds: number[] = [];
let ended = false;
process.stdin.resume().once('end', () => (ended = true));

function probe(): Promise<number> {
  return new Promise((resolve, reject) => {
    const began = performance.now();
    get(url, { agent }, (answer) => {
      answer.resume().once('end', () => resolve((performance.now() - began) / 1000));
    }).once('error', reject);
  });
}

// The first answers also wait for code to be compiled, here and there.
for (let n = 0; n < 20; n++) await probe();
process.stdout.write('ready\n');
while (!ended) {
  seconds.push(await probe());
  await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
}
process.stdout.write(`${JSON.stringify(seconds)}\n`);
agent.destroy();
