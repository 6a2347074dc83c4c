import { type Span, SpanStatusCode, trace } from '@opentelemetry/api';

/** Runs `work` in a span of its own: one per operation, none per row. */
export function spanned<T>(name: string, work: (span: Span) => Promise<T>): Promise<T> {
  return trace.getTracer('@armilla/crossmatch').startActiveSpan(name, async (span) => {
    try {
      return await work(span);
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.message : String(error) });
      throw error;
    } finally {
      span.end();
    }
  });
}

/** A span that ends with `end()`, for work that goes on across the items of a stream. */
export function startSpan(name: string): Span {
  return trace.getTracer('@armilla/crossmatch').startSpan(name);
}
