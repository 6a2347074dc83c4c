import * as library from './index.js';

test('what the library exports', () => {
  expect(Object.keys(library).sort()).toEqual([
    'Calibration',
    'CalibrationStore',
    'HEAP_LIMIT_BYTES',
    'Router',
    'Runtime',
    'SIMULATED_SIZES',
    'ShadowLog',
    'SimulatedMachine',
    'defineOperation',
    'hardwareKey',
    'hasWebAssembly',
    'hashKernels',
    'machineLimits',
    'renderDecision',
    'renderRouter',
    'requestOf',
    'routedCall',
    'simulate',
    'viewRouter',
  ]);
});
