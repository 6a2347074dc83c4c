import { parentPort, workerData } from 'node:worker_threads';
import { type SimulatedCatalog, simulateField } from '@armilla/sky';
import type { DemoField, SimulationOrder } from './simulation.js';

// The entry of the thread: simulates what the order says and hands the arrays over.
const { seed, rowCount, radiusArcsec } = workerData as SimulationOrder;
const field = simulateField(seed, rowCount);
const reply: DemoField = {
  left: plain(field.left),
  right: plain(field.right),
  sideDeg: field.sideDeg,
  centreRaDeg: field.centreRaDeg,
  centreDecDeg: field.centreDecDeg,
  truePairCount: field.truePairCount,
  prediction: field.predict(radiusArcsec),
};
const arrays = [reply.left, reply.right].flatMap(({ ra, dec, nulls, magnitude, errorArcsec, trueId }) => [
  ra,
  dec,
  nulls,
  magnitude,
  errorArcsec,
  trueId,
]);
parentPort?.postMessage(
  reply,
  arrays.map(({ buffer }) => buffer as ArrayBuffer),
);

/** Only the data: what crosses threads may hold no functions. */
function plain({
  rowCount: count,
  ra,
  dec,
  nulls,
  magnitude,
  errorArcsec,
  trueId,
}: SimulatedCatalog): SimulatedCatalog {
  return { rowCount: count, ra, dec, nulls, magnitude, errorArcsec, trueId };
}
