import * as library from './index.js';

test('what the library exports', () => {
  expect(Object.keys(library).sort()).toEqual([
    'COUNTERPART_SHARE',
    'MAX_RADIUS_ARCSEC',
    'RowStatus',
    'SkyIndex',
    'clusteredPlane',
    'concatPositions',
    'cosDeg',
    'eachRejected',
    'join',
    'normaliseRa',
    'positionStatus',
    'positionStatuses',
    'referencePairs',
    'samplePositions',
    'separationArcsec',
    'separationKey',
    'separationKeyFloor',
    'separationKeyLimit',
    'separationOfKeyArcsec',
    'simulateField',
    'uniformSky',
    'usualCellCount',
    'verifyKernels',
  ]);
});
