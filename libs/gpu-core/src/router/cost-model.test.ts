import { Random } from '@armilla/base';
import { ChangeDetector } from './change-detector.js';
import { CostModel } from './cost-model.js';

const TERMS = { launchMs: 0.1, msPerWork: 1e-6, msPerByte: 2e-7 };
const timeOf = (work: number, bytes: number): number => 0.1 + 1e-6 * work + 2e-7 * bytes;
const sampleAt = (work: number, bytes: number, factor = 1) => ({
  chunkCount: 1,
  work,
  bytesToMove: bytes,
  ms: factor * timeOf(work, bytes),
});
const sizes = [10, 1e3, 1e5, 1e6, 1e7].flatMap((work) => [sampleAt(work, 0), sampleAt(work, 3 * work)]);

test('a fit of exact samples gives their terms; the same samples give the same model', () => {
  const model = CostModel.fit(sizes, TERMS);
  expect(model.terms.launchMs).toBeCloseTo(0.1, 3);
  expect(model.terms.msPerWork / 1e-6).toBeCloseTo(1, 1);
  expect(model.terms.msPerByte / 2e-7).toBeCloseTo(1, 1);
  expect(CostModel.fit(sizes, TERMS).store()).toEqual(model.store());
});

test('terms that no sample shows are those of the prior', () => {
  const host = sizes.map((sample) => ({ ...sample, bytesToMove: 0 }));
  expect(CostModel.fit(host, { ...TERMS, msPerByte: 7e-7 }).terms.msPerByte).toBeCloseTo(7e-7, 12);
});

test('predictions are never negative, terms sum up, whatever was observed', () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = new Random(seed);
    const model = new CostModel(TERMS);
    for (let i = 0; i < 300; i++) {
      const work = Math.exp(random.between(-2, 25));
      const bytes = random.uniform() < 0.5 ? 0 : Math.exp(random.between(0, 22));
      const { launchMs, computeMs, transferMs, totalMs, variance } = model.predict(work, bytes, 1 + random.below(4));
      for (const ms of [launchMs, computeMs, transferMs]) expect(ms).toBeGreaterThanOrEqual(0);
      expect(totalMs).toBeGreaterThan(0);
      expect(Math.abs(launchMs + computeMs + transferMs - totalMs)).toBeLessThanOrEqual(1e-9 * totalMs);
      expect(variance).toBeGreaterThan(0);
      const { terms } = model;
      for (const term of Object.values(terms)) expect(term).toBeGreaterThanOrEqual(0);
      model.observe({ chunkCount: 1, work, bytesToMove: bytes, ms: Math.exp(random.between(-12, 9)) });
    }
  }
});

test('one hiccup is doubted and forgotten, two slow calls are a change', () => {
  const model = CostModel.fit(sizes, TERMS);
  const usualMs = model.predict(1e5, 0).totalMs;
  expect(model.observe(sampleAt(1e5, 0, 8)).kind).toBe('doubtful');
  expect(model.predict(1e5, 0).totalMs).toBeGreaterThan(4 * usualMs);
  expect(model.observe(sampleAt(1e5, 0)).kind).toBe('usual');
  expect(model.predict(1e5, 0).totalMs / usualMs).toBeCloseTo(1, 1);
  for (let i = 0; i < 20; i++) expect(model.observe(sampleAt(1e6, 0)).kind).toBe('usual');
  model.observe(sampleAt(1e5, 0, 8));
  expect(model.observe(sampleAt(1e7, 0, 8)).kind).toBe('changed');
  expect(model.predict(1e6, 3e6).totalMs / (8 * timeOf(1e6, 3e6))).toBeCloseTo(1, 1);
});

test('where hiccups are usual, calls late by less are learnt by size alone; one later adds no more than a multiple of itself', () => {
  const small = { chunkCount: 1, work: 1e3, bytesToMove: 0 };
  const model = CostModel.fit(sizes, TERMS);
  const usualMs = model.predict(1e3, 0).totalMs;
  for (let i = 0; i < 4; i++) {
    expect(model.observe({ ...small, ms: usualMs + 2 }, 3).kind).toBe('usual');
    expect(model.observe({ ...small, ms: usualMs }, 3).kind).toBe('usual');
  }
  expect(model.predict(1e7, 0).totalMs / timeOf(1e7, 0)).toBeCloseTo(1, 1);
  expect(model.observe({ ...small, ms: usualMs + 4 }, 3).kind).toBe('doubtful');
  expect(model.predict(1e9, 0).totalMs).toBeLessThan(timeOf(1e9, 0) * 1.1 + 16);
  model.trust();
  const lateMs = 10 * usualMs + 0.5;
  for (let i = 0; i < 20; i++) expect(model.observe({ ...small, ms: lateMs }, 3).kind).toBe('usual');
  expect(model.predict(1e3, 0).totalMs / lateMs).toBeCloseTo(1, 1);
  expect(model.predict(1e7, 0).totalMs / timeOf(1e7, 0)).toBeCloseTo(1, 1);
});

test('where hiccups are usual, five calls in a row that are late by more are a change, and four are none', () => {
  const model = CostModel.fit(sizes, TERMS);
  const large = (factor: number) => sampleAt(1e9, 0, factor);
  const late = (count: number): string[] => Array.from({ length: count }, () => model.observe(large(4), 3).kind);
  expect(late(4)).not.toContain('changed');
  for (let i = 0; i < 10; i++) model.observe(large(1), 3);
  expect(late(5).at(-1)).toBe('changed');
  expect(model.predict(1e9, 0).totalMs / (4 * timeOf(1e9, 0))).toBeCloseTo(1, 0);
});

test('a bend of the curve is corrected by its median', () => {
  const bent = sizes.flatMap((sample) => {
    const one = { ...sample, ms: sample.work > 2e5 ? 2 * sample.ms : sample.ms };
    return [one, one, one];
  });
  const model = CostModel.fit(bent, TERMS);
  expect(model.predict(1e5, 0).totalMs / timeOf(1e5, 0)).toBeCloseTo(1, 0);
  expect(model.predict(1e7, 0).totalMs / (2 * timeOf(1e7, 0))).toBeCloseTo(1, 1);
});

test('noise before a change does not hide how large it is', () => {
  const detector = new ChangeDetector();
  expect(detector.add(0.13, 0.12)).toBeUndefined();
  expect(detector.add(Math.log(8), 0.12)).toBeUndefined();
  expect(detector.add(Math.log(7.5), 0.12)).toBeCloseTo(7.5, 6);
});

test('noise of 12 % is no change in ten thousand samples, a factor of two is one soon', () => {
  const random = new Random(5);
  const detector = new ChangeDetector();
  let alarms = 0;
  for (let i = 0; i < 10_000; i++) if (detector.add(0.12 * random.normal(), 0.12) !== undefined) alarms++;
  expect(alarms).toBeLessThanOrEqual(3);
  let calls = 1;
  while (detector.add(Math.LN2 + 0.12 * random.normal(), 0.12) === undefined) calls++;
  expect(calls).toBeLessThanOrEqual(3);
});

test('what is stored comes back', () => {
  const model = CostModel.fit([...sizes, ...sizes, ...sizes], TERMS);
  const restored = CostModel.restore(JSON.parse(JSON.stringify(model.store())));
  for (const work of [10, 1e3, 1e5, 1e7]) {
    expect(restored.predict(work, 0).totalMs / model.predict(work, 0).totalMs).toBeCloseTo(1, 6);
  }
  expect(restored.samples).toBe(model.samples);
});

test('a model of one small call is as unsure of large ones after it was stored', () => {
  const model = CostModel.fit([sampleAt(1, 0)], TERMS);
  const restored = CostModel.restore(JSON.parse(JSON.stringify(model.store())));
  const sigmaAt = (one: CostModel, work: number): number => Math.sqrt(one.predict(work, 0).variance);
  expect(sigmaAt(model, 1e9)).toBeGreaterThan(1);
  expect(sigmaAt(restored, 1e9) / sigmaAt(model, 1e9)).toBeCloseTo(1, 1);
});
