import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { context, trace } from '@opentelemetry/api';
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import {
  callMetadata,
  callOnce,
  type CallContext,
  connect,
  type Frame,
  makeFrame,
  readFrames,
  writeFrame,
} from '../index.js';
import { CrossmatchServiceService, ExplainRequest, ExplainResponse } from '@armilla/proto';
import { collect, problemOf, startLoopback } from '../testing/loopback.js';
import { startTelemetry } from './telemetry.js';
import { formatTraceparent, newSpanContext, parseTraceparent } from './trace-context.js';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = `00-${TRACE}-b7ad6b7169203331-01`;

test('traceparent is read and written as W3C says', () => {
  const parsed = parseTraceparent(PARENT, 'vendor=1');
  expect(parsed).toMatchObject({ traceId: TRACE, spanId: 'b7ad6b7169203331', traceFlags: 1, isRemote: true });
  expect(parsed!.traceState!.serialize()).toBe('vendor=1');
  expect(formatTraceparent(parsed!)).toBe(PARENT);
  expect(parseTraceparent(`cc-${TRACE}-b7ad6b7169203331-01-more`)).toBeDefined();
  for (const bad of [
    undefined,
    '',
    'x',
    PARENT.toUpperCase(),
    `${PARENT}-more`,
    PARENT.replace('00-', 'ff-'),
    `00-${'0'.repeat(32)}-b7ad6b7169203331-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
  ]) {
    expect(parseTraceparent(bad)).toBeUndefined();
  }
  expect(parseTraceparent(formatTraceparent(newSpanContext()))).toBeDefined();
});

test('one trace goes from the client through the call into the handler, unary and streaming', async () => {
  const exporter = new InMemorySpanExporter();
  const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  provider.register();
  const seen: (string | undefined)[] = [];
  const { client, explain, stop } = await startLoopback({
    explain: async () => {
      seen.push(trace.getActiveSpan()?.spanContext().traceId);
      return ExplainResponse.fromPartial({});
    },
    async *match(frames) {
      for await (const frame of frames) {
        seen.push(trace.getActiveSpan()?.spanContext().traceId);
        yield frame;
      }
    },
  });
  const root = trace.getTracer('test').startSpan('root');
  await context.with(trace.setSpan(context.active(), root), async () => {
    await explain();
    const call = client.match();
    const frames = collect(readFrames<Frame>(call));
    await writeFrame(call, makeFrame({ header: Buffer.from('h') }));
    call.end();
    await frames;
  });
  root.end();
  const { traceId } = root.spanContext();
  expect(seen).toEqual([traceId, traceId]);
  const spans = exporter.getFinishedSpans().filter((span) => span.spanContext().traceId === traceId);
  const service = 'armilla.crossmatch.v1.CrossmatchService';
  expect(spans.map(({ name, kind }) => `${name} ${kind}`).sort()).toEqual([
    `${service}/Explain 1`,
    `${service}/Explain 2`,
    `${service}/Match 1`,
    `${service}/Match 2`,
    'root 0',
  ]);
  await stop();
  await provider.shutdown();
  trace.disable();
  context.disable();
});

test('without an SDK the trace id of the caller still reaches handler, error and log', async () => {
  const contexts: CallContext[] = [];
  const { server, lines, stop } = await startLoopback({
    explain: async (_, callContext) => {
      contexts.push(callContext);
      throw new Error('unexpected');
    },
  });
  const client = connect(CrossmatchServiceService, server.address);
  const metadata = callMetadata({});
  metadata.set('traceparent', PARENT);
  const problem = await problemOf(
    callOnce((given, ...rest) => client.explain(ExplainRequest.fromPartial({}), given, ...rest), { metadata }),
  );
  expect(problem.fields.trace_id).toBe(TRACE);
  expect(contexts[0].traceId).toBe(TRACE);
  expect(lines.find((line) => line.includes('unexpected'))).toContain(TRACE);
  client.close();
  await stop();
});

test('with an endpoint, spans and metrics are sent there', async () => {
  const paths = new Set<string>();
  const receiver = createServer((request, response) => {
    paths.add(request.url ?? '');
    request.resume().on('end', () => response.writeHead(200, { 'content-type': 'application/json' }).end('{}'));
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  const { port } = receiver.address() as AddressInfo;
  const chassis = pathToFileURL(createRequire(import.meta.url).resolve('@armilla/chassis')).href;
  const api = pathToFileURL(createRequire(import.meta.url).resolve('@opentelemetry/api')).href;
  const program = `
    const { startTelemetry } = await import('${chassis}');
    const { trace } = (await import('${api}')).default;
    const telemetry = await startTelemetry();
    trace.getTracer('t').startSpan('one').end();
    console.log(String(telemetry.exporting), String((await telemetry.prometheusText()).includes('process_memory_usage')));
    await telemetry.shutdown();`;
  const env = { ...process.env, OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`, NODE_OPTIONS: '' };
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const output = await text(child.stdout);
  receiver.close();
  expect(output.trim()).toBe('true true');
  expect([...paths].sort()).toEqual(['/v1/metrics', '/v1/traces']);
});

test('metrics of calls, admission and process are there as Prometheus text', async () => {
  await using telemetry = await startTelemetry({ env: {} });
  expect(telemetry.exporting).toBe(false);
  const { client, explain, stop } = await startLoopback();
  await explain();
  const call = client.match();
  const frames = collect(readFrames<Frame>(call));
  await writeFrame(call, makeFrame({ header: Buffer.from('h'), body: [Buffer.alloc(999)] }));
  call.end();
  await frames;
  await stop();
  const page = await telemetry.prometheusText();
  expect(page).toMatch(
    /^rpc_server_call_duration_count\{[^}]*rpc_method="Explain"[^}]*rpc_response_status_code="OK"[^}]*\} 1$/m,
  );
  expect(page).toMatch(/^armilla_rpc_received(_total)?\{[^}]*rpc_method="Match"[^}]*\} 10\d\d$/m);
  expect(page).toMatch(/^armilla_rpc_sent(_total)?\{[^}]*\} 10\d\d$/m);
  expect(page).toMatch(/^rpc_server_active_requests\{[^}]*rpc_method="Match"[^}]*\} 0$/m);
  expect(page).toMatch(/^armilla_admission_reserved(\{[^}]*\})? 0$/m);
  expect(page).toContain('target_info{service_name="armilla"');
  expect(page).toMatch(/^process_memory_usage(\{[^}]*\})? \d+$/m);
  // Every line is a comment or `name{labels} value`.
  for (const line of page.split('\n').filter(Boolean))
    expect(line).toMatch(/^(# (HELP|TYPE) .*|[a-z_]+(\{[^}]*\})? [-+0-9.eE]+|[a-z_]+(\{[^}]*\})? [+-]?(Inf|NaN))$/i);
});

test('docs/telemetry.md names every metric of this package', async () => {
  await using telemetry = await startTelemetry({ env: {} });
  const { client, explain, stop } = await startLoopback();
  await explain();
  const call = client.match();
  const frames = collect(readFrames<Frame>(call));
  await writeFrame(call, makeFrame({ header: Buffer.from('h') }));
  call.end();
  await frames;
  const page = readFileSync(new URL('../../../../docs/telemetry.md', import.meta.url), 'utf8');
  const names = [...(await telemetry.prometheusText()).matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
  expect(names.length).toBeGreaterThan(8);
  for (const name of names) if (name !== 'target_info') expect(page).toContain(`\`${name}\``);
  await stop();
});
