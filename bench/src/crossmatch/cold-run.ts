// One first call in a fresh process: node cold-run.js ROWS. Prints {seconds, pairs}.
import { Random } from '@armilla/base';
import { crossmatch } from '@armilla/crossmatch';
import { Runtime } from '@armilla/gpu-core';
import { uniformSky } from '@armilla/sky';
import { memoryTable } from '../memory-table.js';

const sky = uniformSky(new Random(1), Number(process.argv[2]));
const left = memoryTable('left', sky.left);
const right = memoryTable('right', sky.right);
const start = performance.now();
const runtime = await Runtime.create();
const stream = await crossmatch(
  left,
  right,
  { radiusArcsec: 3, columns: ['left.id', 'right.id', 'separation_arcsec'] },
  { runtime },
);
let pairs = 0;
for await (const batch of stream) pairs += batch.numRows;
process.stdout.write(JSON.stringify({ seconds: (performance.now() - start) / 1000, pairs }));
await runtime.close();
