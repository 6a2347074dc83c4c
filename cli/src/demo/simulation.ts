import { Worker } from 'node:worker_threads';
import type { MatchPrediction, SimulatedField } from '@armilla/sky';

export interface SimulationOrder {
  readonly seed: number;
  readonly rowCount: number;
  readonly radiusArcsec: number;
}

/** A simulated field and what its error model expects for the radius of the order. */
export interface DemoField extends Omit<SimulatedField, 'predict'> {
  readonly prediction: MatchPrediction;
}

/** Simulates a field in a thread of its own. */
export function simulate(order: SimulationOrder, signal: AbortSignal): Promise<DemoField> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const worker = new Worker(new URL('./simulate-worker.js', import.meta.url), { workerData: order });
    const abort = (): void => {
      void worker.terminate();
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', abort, { once: true });
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', (code) => {
      signal.removeEventListener('abort', abort);
      reject(new Error(`the simulation ended with code ${code} and no result`));
    });
  });
}
