import { distance } from './distance/index.js';
import { add, exp, multiply, sqrt, square } from './elementwise/index.js';
import { batchedMatmul, halfMatmul, matmul } from './matmul/index.js';
import { max, mean, min, sum } from './reduce/index.js';
import { xor } from './xor/index.js';

/** Every operation of this folder, by name: "gpu.matmul", ... */
export const operations = {
  [add.name]: add,
  [batchedMatmul.name]: batchedMatmul,
  [distance.name]: distance,
  [exp.name]: exp,
  [halfMatmul.name]: halfMatmul,
  [matmul.name]: matmul,
  [max.name]: max,
  [mean.name]: mean,
  [min.name]: min,
  [multiply.name]: multiply,
  [sqrt.name]: sqrt,
  [square.name]: square,
  [sum.name]: sum,
  [xor.name]: xor,
} as const;
