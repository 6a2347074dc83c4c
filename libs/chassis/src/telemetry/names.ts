/** Instrumentation scope of this package's spans and metrics. */
export const TRACER_NAME = '@armilla/chassis';
