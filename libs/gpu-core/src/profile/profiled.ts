import type { Profiler, SpanOptions } from './profiler.js';

/**
 * Decorator (of the standard) of methods: each call is a span, until its promise settles when it gives one.
 * `@profiled(profiler, 'gpu.matmul', { device: 'gpu0' }) multiply(…)`. The name is that of the method by default.
 */
export function profiled(profiler: Profiler, op?: string, options?: SpanOptions) {
  return <This, Args extends unknown[], Result>(
    method: (this: This, ...args: Args) => Result,
    context: ClassMethodDecoratorContext<This, (this: This, ...args: Args) => Result>,
  ): ((this: This, ...args: Args) => Result) => {
    const name = op ?? String(context.name);
    return function (this: This, ...args: Args): Result {
      return profiler.run(name, () => method.apply(this, args), options);
    };
  };
}
