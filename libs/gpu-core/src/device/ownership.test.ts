import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Claim, describeOwners, type Owner, type Refusal } from './ownership.js';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'armilla-claims-'))));
afterEach(() => rmSync(folder, { recursive: true }));

const entry = createRequire(import.meta.url).resolve('@armilla/gpu-core');
const holder = (share: number): string => `
  import { Claim } from ${JSON.stringify(entry)};
  const claim = await Claim.take('card: 1/2', { folder: ${JSON.stringify(folder)}, share: ${share} });
  process.stdout.write(claim instanceof Claim ? 'taken' : 'refused ' + claim.owners[0].pid);
  setInterval(() => undefined, 1000);`;

test('a second claim says who holds the device; it is had when the first is given back', async () => {
  const first = (await Claim.take('card', { folder })) as Claim;
  const refusal = (await Claim.take('card', { folder })) as Refusal;
  expect(refusal.owners).toMatchObject([{ pid: process.pid, share: 1 }]);
  expect(describeOwners(refusal)).toContain(`process ${process.pid}`);
  const other = await Claim.take('another card', { folder });
  expect(other).toBeInstanceOf(Claim);
  first[Symbol.dispose]();
  const again = await Claim.take('card', { folder });
  expect(again).toBeInstanceOf(Claim);
  (again as Claim)[Symbol.dispose]();
  (other as Claim)[Symbol.dispose]();
});

test('shares that add up to 1 are had together', async () => {
  const shares = await Promise.all([0.25, 0.25, 0.5, 0.25].map((share) => Claim.take('card', { folder, share })));
  expect(shares.filter((share) => share instanceof Claim)).toHaveLength(3);
  for (const share of shares) if (share instanceof Claim) share[Symbol.dispose]();
  await expect(Claim.take('card', { folder, share: 1.5 })).rejects.toMatchObject({ reason: 'OPTION_INVALID' });
});

test('a process that was killed holds nothing', async () => {
  const script = join(folder, 'holder.mjs');
  writeFileSync(script, holder(1));
  const process_ = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [said] = (await once(process_.stdout, 'data')) as [Buffer];
  expect(String(said)).toBe('taken');
  expect(((await Claim.take('card: 1/2', { folder })) as Refusal).owners[0].pid).toBe(process_.pid);
  process_.kill('SIGKILL');
  await once(process_, 'exit');
  const claim = await Claim.take('card: 1/2', { folder });
  expect(claim).toBeInstanceOf(Claim);
  (claim as Claim)[Symbol.dispose]();
});

test('junk, an ended process whose number is used again, and an old claim of another container hold nothing', async () => {
  const card = join(folder, 'card');
  mkdirSync(card);
  const put = (name: string, owner: Partial<Owner> | string): string => {
    const file = join(card, `${name}.json`);
    writeFileSync(file, typeof owner === 'string' ? owner : JSON.stringify(owner));
    return file;
  };
  const ended = spawnSync(process.execPath, ['-e', '']).pid;
  put('junk', '{');
  put('reused', {
    pid: process.pid,
    host: (await import('node:os')).hostname(),
    startTicks: '1',
    command: '',
    share: 1,
  });
  put('ended', { pid: ended, host: (await import('node:os')).hostname(), startTicks: '1', command: '', share: 1 });
  const old = put('old', { pid: 1, host: 'elsewhere', startTicks: '1', command: '', share: 1 });
  utimesSync(old, new Date(0), new Date(0));
  const claim = await Claim.take('card', { folder });
  expect(claim).toBeInstanceOf(Claim);
  expect(readdirSync(card)).toHaveLength(1);
  (claim as Claim)[Symbol.dispose]();
  put('renewed', { pid: 1, host: 'elsewhere', startTicks: '1', command: 'x', share: 1 });
  expect(((await Claim.take('card', { folder })) as Refusal).owners).toMatchObject([{ host: 'elsewhere' }]);
});

test('of many processes at once one has the device', async () => {
  const script = join(folder, 'holder.mjs');
  writeFileSync(script, holder(1));
  const processes = Array.from({ length: 5 }, () =>
    spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] }),
  );
  const said = await Promise.all(processes.map(async ({ stdout }) => String((await once(stdout, 'data'))[0])));
  for (const one of processes) one.kill('SIGKILL');
  await Promise.all(processes.map((one) => one.exitCode ?? once(one, 'exit')));
  expect(said.filter((text) => text === 'taken')).toHaveLength(1);
});

test('a claim that cannot be renewed ends no process', async () => {
  const script = join(folder, 'holder.mjs');
  writeFileSync(
    script,
    `import { rmSync, writeFileSync } from 'node:fs';
    import { Claim } from ${JSON.stringify(entry)};
    const later = globalThis.setInterval;
    let renew;
    globalThis.setInterval = (call, ms) => { renew = call; return later(call, ms); };
    const claim = await Claim.take('card', { folder: ${JSON.stringify(folder)} });
    rmSync(${JSON.stringify(join(folder, 'card'))}, { recursive: true });
    writeFileSync(${JSON.stringify(join(folder, 'card'))}, '');
    renew();
    process.stdout.write('alive');
    process.exit(0);`,
  );
  const { stdout, stderr } = spawnSync(process.execPath, [script], { encoding: 'utf8' });
  expect({ stdout, stderr }).toEqual({ stdout: 'alive', stderr: '' });
});
