import { context, metrics, trace } from '@opentelemetry/api';
import { type MetricReader } from '@opentelemetry/sdk-metrics';
import { type PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { watchProcess } from './process-metrics.js';
import { SyncContextManager } from './sync-context.js';

export interface TelemetryOptions {
  /** `service.name` of what is exported. Default "armilla"; OTEL_SERVICE_NAME wins. */
  readonly serviceName?: string;
  /** Decides whether to export; the SDK itself reads the environment of the process, which is the default. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** Traces and metrics of this process. */
export interface Telemetry extends AsyncDisposable {
  /** Whether spans and metrics are sent to an OTLP endpoint. */
  readonly exporting: boolean;
  /** All metrics in Prometheus' text format 0.0.4. */
  prometheusText(): Promise<string>;
  /** Sends what is left and detaches. */
  shutdown(): Promise<void>;
}

/**
 * Sets the OpenTelemetry providers of the process. Call it before `serve`: the API makes no late bindings for metrics.
 * Nothing is sent unless OTEL_EXPORTER_OTLP_ENDPOINT (or its variant for traces or metrics) is set; then the SDK, which
 * takes a third of a second to load, reads all OTEL_* variables. Metrics are kept for `prometheusText` in any case.
 */
export async function startTelemetry(options: TelemetryOptions = {}): Promise<Telemetry> {
  const env = options.env ?? process.env;
  const exporting =
    env.OTEL_SDK_DISABLED !== 'true' &&
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_EXPORTER_OTLP_METRICS_ENDPOINT'].some(
      (name) => env[name],
    );
  const { PrometheusExporter, PrometheusSerializer } = await import('@opentelemetry/exporter-prometheus');
  // Only the collecting half of the exporter: the text is served by the gateway, behind its own rules.
  const reader = new PrometheusExporter({ preventServerStart: true });
  const serviceName = env.OTEL_SERVICE_NAME ?? options.serviceName ?? 'armilla';
  const stopProviders = exporting ? await startSdk(reader, serviceName) : await startMetrics(reader, serviceName);
  const stopWatching = watchProcess();
  const serializer = new PrometheusSerializer();
  const shutdown = async (): Promise<void> => {
    stopWatching();
    await stopProviders();
    trace.disable();
    metrics.disable();
    context.disable();
  };
  return {
    exporting,
    prometheusText: () => collectText(reader, serializer),
    shutdown,
    [Symbol.asyncDispose]: shutdown,
  };
}

async function collectText(reader: MetricReader, serializer: PrometheusSerializer): Promise<string> {
  const { resourceMetrics, errors } = await reader.collect();
  // A gauge whose callback failed is left out; the rest is still true.
  const failures = errors.map((error) => `# ${String(error).replaceAll('\n', ' ')}\n`);
  // UNIT lines belong to OpenMetrics, not to this format.
  return serializer.serialize(resourceMetrics).replace(/^# UNIT .*\n/gm, '') + failures.join('');
}

async function startMetrics(reader: MetricReader, serviceName: string): Promise<() => Promise<void>> {
  const [{ MeterProvider }, { defaultResource, resourceFromAttributes }] = await Promise.all([
    import('@opentelemetry/sdk-metrics'),
    import('@opentelemetry/resources'),
  ]);
  const provider = new MeterProvider({
    readers: [reader],
    resource: defaultResource().merge(resourceFromAttributes({ 'service.name': serviceName })),
  });
  metrics.setGlobalMeterProvider(provider);
  // Without spans to record, contexts still carry the trace id of the caller to the next hop.
  context.setGlobalContextManager(new SyncContextManager());
  return () => provider.shutdown();
}

async function startSdk(reader: MetricReader, serviceName: string): Promise<() => Promise<void>> {
  const [{ NodeSDK }, { PeriodicExportingMetricReader }, { OTLPMetricExporter }] = await Promise.all([
    import('@opentelemetry/sdk-node'),
    import('@opentelemetry/sdk-metrics'),
    import('@opentelemetry/exporter-metrics-otlp-http'),
  ]);
  const exporter = new PeriodicExportingMetricReader({ exporter: new OTLPMetricExporter() });
  const sdk = new NodeSDK({ serviceName, metricReaders: [reader, exporter], instrumentations: [] });
  sdk.start();
  return () => sdk.shutdown();
}
