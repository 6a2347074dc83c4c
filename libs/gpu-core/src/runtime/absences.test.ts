import { fail } from '@armilla/base';
import { ABSENT_MS, Absences, NOT_COMPILED_MS } from './absences.js';

test('a device is absent for a while after each fault, and says why', () => {
  let nowMs = 5;
  const absences = new Absences(() => nowMs);
  expect(absences.list('gpu.add')).toEqual({});
  const unavailable = fail('DEVICE_UNAVAILABLE', { provider: 'webgpu', detail: 'no card' });
  expect(absences.add('webgpu:0', 'gpu.add', unavailable)).toBe('no card');
  nowMs += ABSENT_MS - 1;
  absences.add('webgpu:1', 'gpu.add', fail('DEVICE_LOST', { device: 'card', detail: 'its thread has ended' }));
  expect(absences.list('gpu.xor')).toEqual({ 'webgpu:0': 'no card', 'webgpu:1': 'its thread has ended' });
  nowMs += 1;
  expect(absences.list('gpu.xor')).toEqual({ 'webgpu:1': 'its thread has ended' });
  nowMs += ABSENT_MS;
  expect(absences.list('gpu.xor')).toEqual({});
});

test('one that does not compile a kernel is absent for its operation alone', () => {
  let nowMs = 0;
  const absences = new Absences(() => nowMs);
  const fault = fail('KERNEL_INVALID', { file: 'add.wgsl', line: 8, detail: 'what?' });
  expect(absences.add('webgpu:0', 'gpu.add', fault)).toContain('add.wgsl');
  nowMs += NOT_COMPILED_MS - 1;
  expect(absences.list('gpu.add')).toEqual({ 'webgpu:0': fault.message });
  expect(absences.list('gpu.xor')).toEqual({});
  nowMs += 1;
  expect(absences.list('gpu.add')).toEqual({});
});

test('the fault of a call is none of the device', () => {
  const absences = new Absences();
  for (const fault of [fail('MEMORY_EXHAUSTED', { needed: 1, limit: 0 }), fail('CANCELLED'), new Error('?'), 7])
    expect(absences.add('webgpu:0', 'gpu.add', fault)).toBeUndefined();
  expect(absences.list('gpu.add')).toEqual({});
});
