import { monitorEventLoopDelay } from 'node:perf_hooks';
import { metrics } from '@opentelemetry/api';
import { TRACER_NAME } from './names.js';

const RESOLUTION_MS = 10;

/** Memory, CPU time and the delay of the event loop; returns how to stop watching. */
export function watchProcess(): () => void {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  const meter = metrics.getMeter(TRACER_NAME);
  meter
    .createObservableGauge('process.memory.usage', { unit: 'By', description: 'Resident memory' })
    .addCallback((result) => result.observe(process.memoryUsage.rss()));
  meter
    .createObservableCounter('process.cpu.time', { unit: 's', description: 'CPU time by mode' })
    .addCallback((result) => {
      const { user, system } = process.cpuUsage();
      result.observe(user / 1e6, { 'cpu.mode': 'user' });
      result.observe(system / 1e6, { 'cpu.mode': 'system' });
    });
  meter
    .createObservableGauge('nodejs.eventloop.delay.max', {
      unit: 's',
      description: 'Longest delay of the event loop since the last reading',
    })
    .addCallback((result) => {
      result.observe(Math.max(0, delay.max / 1e9 - RESOLUTION_MS / 1e3));
      delay.reset();
    });
  return () => delay.disable();
}
