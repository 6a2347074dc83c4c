import * as library from './index.js';

test('what the library exports', () => {
  expect(Object.keys(library).sort()).toEqual([
    'COUNTERPART_SHARE',
    'MAX_RADIUS_ARCSEC',
    'RowStatus',
    'SkyIndex',
    'clusteredPlane',
    'cosDeg',
    'join',
    'normaliseRa',
    'positionStatus',
    'positionStatuses',
    'referencePairs',
    'separationArcsec',
    'separationKey',
    'separationKeyFloor',
    'separationKeyLimit',
    'separationOfKeyArcsec',
    'simulateField',
    'uniformSky',
    'verifyKernels',
  ]);
});
