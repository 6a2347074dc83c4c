import { InterceptingCall, type Interceptor, status } from '@grpc/grpc-js';
import { context, isSpanContextValid, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { formatTraceparent } from './trace-context.js';
import { TRACER_NAME } from './names.js';

/** A client span per call and its W3C context in the metadata, below the active span. An interceptor, so no module is patched. */
export const traceClient: Interceptor = (options, nextCall) =>
  new InterceptingCall(nextCall(options), {
    start(metadata, _listener, next) {
      const span = trace.getTracer(TRACER_NAME).startSpan(options.method_definition.path.slice(1), {
        kind: SpanKind.CLIENT,
        attributes: { 'rpc.system': 'grpc' },
      });
      const spanContext = span.spanContext();
      if (isSpanContextValid(spanContext) && metadata.get('traceparent').length === 0) {
        metadata.set('traceparent', formatTraceparent(spanContext));
        const state = spanContext.traceState?.serialize();
        if (state) metadata.set('tracestate', state);
      }
      // Never spread `_listener` in here: grpc-js would take the result for a raw listener and pass no `next`.
      context.with(trace.setSpan(context.active(), span), () =>
        next(metadata, {
          onReceiveStatus(callStatus, nextStatus) {
            span.setAttribute('rpc.grpc.status_code', callStatus.code);
            if (callStatus.code !== status.OK)
              span.setStatus({ code: SpanStatusCode.ERROR, message: callStatus.details });
            span.end();
            nextStatus(callStatus);
          },
        }),
      );
    },
  });
