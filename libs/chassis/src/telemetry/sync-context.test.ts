import { createContextKey, ROOT_CONTEXT } from '@opentelemetry/api';
import { SyncContextManager } from './sync-context.js';

const KEY = createContextKey('test');

test('a context holds for the code that is called, through failures and bound functions, and not for what it awaits', async () => {
  const manager = new SyncContextManager();
  const outer = ROOT_CONTEXT.setValue(KEY, 'outer');
  const inner = outer.setValue(KEY, 'inner');
  const seen = (): unknown => manager.active().getValue(KEY);
  expect(manager.active()).toBe(ROOT_CONTEXT);
  const later = manager.with(outer, async () => {
    expect(seen()).toBe('outer');
    expect(manager.with(inner, seen)).toBe('inner');
    expect(() => manager.with(inner, () => JSON.parse('{'))).toThrow(SyntaxError);
    expect(seen()).toBe('outer');
    await Promise.resolve();
    return seen();
  });
  expect(seen()).toBeUndefined();
  expect(await later).toBeUndefined();
  expect(manager.bind(inner, seen)()).toBe('inner');
  expect(manager.bind(inner, 5)).toBe(5);
  expect(
    manager.with(
      inner,
      function (this: number, add: number) {
        return this + add;
      },
      1,
      2,
    ),
  ).toBe(3);
});
