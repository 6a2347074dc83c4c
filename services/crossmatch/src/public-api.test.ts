import * as library from './index.js';

test('what the library exports', () => {
  expect(Object.keys(library).sort()).toEqual([
    'COMPUTED_COLUMNS',
    'CatalogTable',
    'DEFAULT_MAX_PAIRS',
    'FINDS',
    'JOINS',
    'MAX_K',
    'MAX_RADIUS_ARCSEC',
    'MULTIS',
    'MatchStream',
    'ORDERS',
    'SELF_MATCHES',
    'TABLES_JOINS',
    'TablesStream',
    'countsJson',
    'crossmatch',
    'matchProvenance',
    'matchTables',
    'needsWholeLeft',
    'planMatch',
    'positionColumns',
    'rayleigh',
    'resolveOptions',
    'selfMatch',
    'tablesCountsJson',
    'tablesProvenance',
  ]);
});
