import * as library from './index.js';

test('what the library exports', () => {
  expect(Object.keys(library).sort()).toEqual([
    'HEAP_LIMIT_BYTES',
    'Runtime',
    'defineOperation',
    'hasWebAssembly',
    'machineLimits',
  ]);
});
