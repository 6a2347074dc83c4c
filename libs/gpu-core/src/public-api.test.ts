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
    'WebGpuDevice',
    'defineOperation',
    'hardwareKey',
    'hasWebAssembly',
    'hashKernels',
    'machineLimits',
    'packStruct',
    'readProgram',
    'renderDecision',
    'renderRouter',
    'requestOf',
    'routedCall',
    'simulate',
    'structLayout',
    'viewRouter',
  ]);
});
