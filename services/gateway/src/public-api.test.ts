import * as api from './index.js';

test('the public names', () => {
  expect(Object.keys(api).sort()).toEqual(['startGateway']);
});
