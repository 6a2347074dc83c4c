/**
 * The results of `start(0)` .. `start(count - 1)`, in order. Later ones are started while the cost of all that are
 * under way or waiting stays within `budget`; at least one always is. When the reader leaves or one fails, all that
 * were started have ended before this does.
 */
export async function* lookAhead<T>(
  count: number,
  start: (index: number) => Promise<T>,
  cost: (index: number) => number,
  budget: number,
  stop: () => void,
): AsyncGenerator<T, void, undefined> {
  const ahead: { readonly result: Promise<T>; readonly cost: number }[] = [];
  let next = 0;
  let spent = 0;
  const launch = (): void => {
    while (next < count && (ahead.length === 0 || spent + cost(next) <= budget)) {
      const item = { result: start(next), cost: cost(next) };
      // Whoever takes it sees a failure; until then it is not an unhandled one.
      item.result.catch(() => undefined);
      spent += item.cost;
      ahead.push(item);
      next++;
    }
  };
  try {
    for (let done = 0; done < count; done++) {
      launch();
      const item = ahead[0];
      const result = await item.result;
      ahead.shift();
      spent -= item.cost;
      launch();
      yield result;
    }
  } finally {
    stop();
    await Promise.allSettled(ahead.map((item) => item.result));
  }
}
