import { fail } from '@armilla/base';
import { ABSENT_MS, Absences } from './absences.js';

test('a device is absent for a while after each fault, and says why', () => {
  let nowMs = 5;
  const absences = new Absences(() => nowMs);
  expect(absences.list()).toEqual({});
  expect(absences.add('webgpu:0', fail('DEVICE_UNAVAILABLE', { provider: 'webgpu', detail: 'no card' }))).toBe(
    'no card',
  );
  nowMs += ABSENT_MS - 1;
  absences.add('webgpu:1', fail('DEVICE_LOST', { device: 'card', detail: 'its thread has ended' }));
  expect(absences.list()).toEqual({ 'webgpu:0': 'no card', 'webgpu:1': 'its thread has ended' });
  nowMs += 1;
  expect(absences.list()).toEqual({ 'webgpu:1': 'its thread has ended' });
  nowMs += ABSENT_MS;
  expect(absences.list()).toEqual({});
});
