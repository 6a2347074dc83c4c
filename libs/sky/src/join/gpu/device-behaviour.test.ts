import { fail, Random } from '@armilla/base';
import { Dispatcher, type Device, registerOperation, Runtime, summarise, WebGpuDevice } from '@armilla/gpu-core';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join as joinPath } from 'node:path';
import { join, type PairQuery, type Positions, referencePairs, routedJoin, SkyIndex } from '../../index.js';
import { onDawn } from '../../testing/on-dawn.js';
import { edgeSky } from '../../testing/skies.js';
import { firstDifference } from '../verify.js';
import { joinProgram } from './join-program.js';

const query = { find: 'nearest', radiusArcsec: 7200, minRadiusArcsec: 0, k: 3, order: 'left' } as const;
let runtime: Runtime;
let device: WebGpuDevice | undefined;
let stateFolder: string;

beforeAll(async () => {
  runtime = await Runtime.create({ workerCount: 2 });
  stateFolder = mkdtempSync(joinPath(tmpdir(), 'armilla-join-'));
});
afterAll(async () => {
  await device?.close();
  await runtime.close();
  rmSync(stateFolder, { recursive: true });
});

const opened = async (): Promise<WebGpuDevice> => (device ??= await WebGpuDevice.open());

/** A device with some of its methods replaced. */
function changed(card: Device, methods: Partial<Pick<Device, 'run' | 'keep'>>): Device {
  const { info } = card;
  const run = card.run.bind(card);
  const keep = card.keep.bind(card);
  const memory = card.memory.bind(card);
  return { lossCount: 0, info, run, keep, memory, ...methods } as Device;
}

function uniform(seed: number, n: number): Positions {
  const random = new Random(seed);
  return {
    ra: Float64Array.from({ length: n }, () => random.between(0, 10)),
    dec: Float64Array.from({ length: n }, () => random.between(0, 10)),
  };
}

onDawn('the kernel compiles on the null backend', async () => {
  await using nothing = await WebGpuDevice.open({ nullBackend: true });
  const { program, params } = joinProgram();
  const names = ['rows', 'places', 'blocks', 'visits', 'found', 'candidates', 'total'];
  const job = nothing.run({
    label: 'compile',
    buffers: {
      params: { kind: 'uniform', data: params({ wanted: 1, capacity: 1, firstPlace: 0 }) },
      ...Object.fromEntries(names.map((name) => [name, { kind: 'output', byteLength: 256 }] as const)),
    },
    passes: [{ program, bindings: ['params', ...names], workgroups: [1, 1, 1] }],
  });
  await expect(job).resolves.toHaveProperty('outputs.found');
});

onDawn('every backend agrees with the reference, from positions and from an index', async () => {
  const left = edgeSky(41, 150);
  const right = edgeSky(42, 150);
  const execution = { runtime, device: await opened() };
  await using wasm = await SkyIndex.build(runtime, [right], { cellRowCount: 20 });
  await using plain = await SkyIndex.buildPlain([right]);
  for (const find of ['nearest', 'k-nearest', 'all'] as const) {
    const asked: PairQuery = { ...query, find };
    const expected = referencePairs(left, right, asked);
    for (const one of [right, wasm, plain]) {
      for (const backend of ['reference', 'typescript', 'wasm', 'webgpu'] as const) {
        const pairs = await join.on(backend)(execution, { left, right: one, query: asked });
        expect(firstDifference(pairs, expected)).toBeUndefined();
      }
    }
  }
});

onDawn(
  'right rows of nearest pairs are marked as on the CPU, and the rows stay on the device, at the cost of their owner',
  async () => {
    const left = edgeSky(43, 150);
    const right = edgeSky(44, 150);
    await using index = await SkyIndex.build(runtime, [right], { tenant: 'survey' });
    const marksOf = async (match: (marks: NonNullable<ReturnType<SkyIndex['marks']>>) => Promise<unknown>) => {
      using marks = index.marks()!;
      await match(marks);
      return [...marks.words()];
    };
    const expected = await marksOf((marks) => index.match(left, query, { marks }));
    const kept: { label: string; tenant: string | undefined }[] = [];
    const counting = changed(await opened(), {
      keep: (data, label, options) => {
        kept.push({ label, tenant: options?.tenant });
        return device!.keep(data, label, options);
      },
    });
    for (let i = 0; i < 2; i++)
      expect(await marksOf((marks) => index.matchOn(counting, left, query, { tenant: 'guest', marks }))).toEqual(
        expected,
      );
    expect(kept).toEqual([{ label: 'sky.join.places', tenant: 'survey' }]);
  },
);

onDawn('a query that is not for a device is matched on the CPU, and the profile says why', async () => {
  const left = edgeSky(45, 100);
  const right = edgeSky(46, 100);
  const asked: PairQuery = { ...query, find: 'k-nearest', k: 17, radiusArcsec: 648_000 };
  const pairs = await join.on('webgpu')({ runtime, device: await opened() }, { left, right, query: asked });
  expect(firstDifference(pairs, referencePairs(left, right, asked))).toBeUndefined();
  const rows = summarise(runtime.profiler.profile('test', 'test'));
  expect(rows.map(({ op }) => op)).toContain('sky.join on the CPU: k is over 16');
});

onDawn(
  'the router never takes a software adapter by itself, says why a device cannot, and takes what is named',
  async () => {
    registerOperation(routedJoin);
    const devices = [{ id: 'webgpu:0', device: await opened(), share: 1 }];
    const dispatcher = await Dispatcher.open(runtime, { stateFolder, environment: '', devices });
    const left = edgeSky(47, 100);
    const right = edgeSky(48, 100);
    const expected = referencePairs(left, right, query);
    for (let i = 0; i < 40; i++) {
      const { decision } = await dispatcher.run('sky.join', { left, right, query });
      expect(decision.chosen).not.toContain('webgpu');
      expect(decision.refused).toContainEqual({ device: 'webgpu:0', reason: 'software' });
    }
    const named = await dispatcher.run<typeof expected>('sky.join', { left, right, query }, { device: 'webgpu' });
    expect(named.decision.chosen).toBe('webgpu:0');
    expect(firstDifference(named.value, expected)).toBeUndefined();
    const many: PairQuery = { ...query, find: 'k-nearest', k: 17 };
    const { decision } = await dispatcher.run('sky.join', { left, right, query: many });
    expect(decision.refused).toContainEqual({ device: 'webgpu:0', reason: 'no-backend', detail: 'k is over 16' });
    await using index = await SkyIndex.build(runtime, [right]);
    const resident = await dispatcher.run('sky.join', { left, right: index, query });
    expect(resident.decision.work).toBe(200);
    expect(resident.decision.refused.map(({ device: id }) => id)).toContain('typescript');
  },
);

test('sizes of the join are those of its inputs', () => {
  const input = routedJoin.sample(300, 'f64', new Random(1));
  expect(routedJoin.sizeOfInput(input)).toEqual(routedJoin.sizeOf(300, 'f64'));
});

onDawn('the rows of an index count as bytes to move until a device has them', async () => {
  const [left, right] = [uniform(4, 100), uniform(5, 1000)];
  await using index = await SkyIndex.build(runtime, [right]);
  const before = routedJoin.sizeOfInput({ left, right: index, query });
  await index.bringTo(await opened());
  const after = routedJoin.sizeOfInput({ left, right: index, query });
  expect(before.bytesIn - after.bytesIn).toBe(1000 * joinProgram().place.byteLength);
  expect({ ...before, bytesIn: after.bytesIn }).toEqual(after);
});

onDawn('a cancelled match ends at once with the reason, and the next one runs', async () => {
  const left = uniform(1, 3000);
  await using index = await SkyIndex.build(runtime, [left]);
  await index.bringTo(await opened());
  const abort = new AbortController();
  const all: PairQuery = { ...query, find: 'all', radiusArcsec: 3600, maxPairs: 1e9 };
  const match = index.matchOn(await opened(), left, all, { signal: abort.signal, limits: { distanceCount: 1000 } });
  setTimeout(() => abort.abort(new DOMException('enough', 'AbortError')), 50);
  await expect(match).rejects.toThrow('enough');
  const few = { ra: left.ra.subarray(0, 20), dec: left.dec.subarray(0, 20) };
  expect((await index.matchOn(await opened(), few, query)).pairCount).toBe(20);
  await expect(
    index.matchOn(await opened(), few, query, { signal: AbortSignal.abort(new Error('before')) }),
  ).rejects.toThrow('before');
});

onDawn('a device with less memory than the candidates take gets the work in pieces', async () => {
  const left = uniform(2, 4000);
  const right = uniform(3, 700);
  const all: PairQuery = { ...query, find: 'all', radiusArcsec: 648_000 };
  await using small = await WebGpuDevice.open({ memoryBytes: 48 * 2 ** 20 });
  await using index = await SkyIndex.build(runtime, [right]);
  const { pairCount } = await index.matchOn(small, left, all);
  expect(pairCount).toBe(4000 * 700);
});

onDawn('work is halved until the memory does, down to a single row', async () => {
  const sky = edgeSky(50, 200);
  const all: PairQuery = { ...query, find: 'all', radiusArcsec: 40 * 3600 };
  const expected = referencePairs(sky, sky, all);
  const card = await opened();
  for (const mostRows of [20, 1, 0]) {
    const jobRows: number[] = [];
    const full = changed(card, {
      run: (job, options) => {
        const rows = (job.buffers.found as { byteLength: number }).byteLength / 8;
        jobRows.push(rows);
        if (rows <= mostRows) return card.run(job, options);
        return Promise.reject(fail('MEMORY_EXHAUSTED', { needed: 'more', available: 'less', limit: 'less' }));
      },
    });
    await using index = await SkyIndex.build(runtime, [sky]);
    const match = index.matchOn(full, sky, all);
    if (mostRows > 0) expect(firstDifference(await match, expected)).toBeUndefined();
    else await expect(match).rejects.toMatchObject({ reason: 'MEMORY_EXHAUSTED' });
    expect(Math.min(...jobRows)).toBeLessThanOrEqual(Math.max(1, mostRows));
  }
});

onDawn('a device that counts and writes different candidates is found out', async () => {
  const sky = edgeSky(51, 50);
  const card = await opened();
  const wrong = changed(card, {
    run: async (job, options) => {
      const result = await card.run(job, options);
      new Uint32Array(result.outputs.found)[1] = 0xffff_ffff;
      return result;
    },
  });
  await using index = await SkyIndex.build(runtime, [sky]);
  await expect(index.matchOn(wrong, sky, query)).rejects.toMatchObject({ reason: 'KERNEL_MISMATCH' });
  const growing = changed(card, {
    run: async (job, options) => {
      const result = await card.run(job, options);
      new Uint32Array(result.outputs.total)[0] = (job.buffers.candidates as { byteLength: number }).byteLength;
      return result;
    },
  });
  await using other = await SkyIndex.build(runtime, [sky]);
  await expect(other.matchOn(growing, sky, query)).rejects.toMatchObject({ reason: 'KERNEL_MISMATCH' });
});

onDawn('a match that fails, at whatever job, leaves no memory behind, nor does the index at its end', async () => {
  const sky = edgeSky(52, 200);
  const card = await opened();
  const start = runtime.stats().leasedBytes;
  const index = await SkyIndex.build(runtime, [sky]);
  for (let lastJob = 0; lastJob < 4; lastJob++) {
    let jobs = 0;
    const failing = changed(card, {
      run: (job, options) =>
        jobs++ < lastJob
          ? card.run(job, options)
          : Promise.reject(fail('DEVICE_LOST', { device: 'it', detail: 'gone' })),
    });
    await index.bringTo(failing);
    const before = runtime.stats().leasedBytes;
    const limits = { rowCount: 40 };
    await expect(index.matchOn(failing, sky, query, { limits })).rejects.toMatchObject({ reason: 'DEVICE_LOST' });
    expect(runtime.stats().leasedBytes).toBe(before);
  }
  await index.dispose();
  expect(runtime.stats().leasedBytes).toBe(start);
});

onDawn('too many pairs, a radius out of range and a call without a device are typed errors', async () => {
  const sky = edgeSky(49, 200);
  await using index = await SkyIndex.build(runtime, [sky]);
  const all: PairQuery = { ...query, find: 'all', radiusArcsec: 648_000, maxPairs: 1000 };
  await expect(index.matchOn(await opened(), sky, all)).rejects.toMatchObject({ reason: 'MAX_PAIRS_EXCEEDED' });
  for (const radiusArcsec of [0, -1, NaN, 648_001]) {
    await expect(index.matchOn(await opened(), sky, { ...query, radiusArcsec })).rejects.toMatchObject({
      reason: 'RADIUS_OUT_OF_RANGE',
    });
  }
  await expect(join.on('webgpu')({ runtime }, { left: sky, right: sky, query })).rejects.toMatchObject({
    reason: 'BACKEND_UNAVAILABLE',
  });
});

onDawn('many equal positions do not take a quadratic time', async () => {
  const n = 20_000;
  const sky = { ra: new Float64Array(n).fill(12.5), dec: new Float64Array(n).fill(-45) };
  await using index = await SkyIndex.build(runtime, [sky]);
  const nearest = await index.matchOn(await opened(), sky, { ...query, radiusArcsec: 2 });
  expect(nearest.pairCount).toBe(n);
  expect(nearest.right.every((row) => row === 0)).toBe(true);
  const others = await index.matchOn(await opened(), sky, {
    ...query,
    find: 'k-nearest',
    k: 2,
    radiusArcsec: 2,
    selfFirstRow: 0,
  });
  expect([...others.right.subarray(0, 6)]).toEqual([1, 2, 0, 2, 0, 1]);
});
