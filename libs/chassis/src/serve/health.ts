import { type handleServerStreamingCall, type Server, type ServerWritableStream } from '@grpc/grpc-js';
import { fail } from '@armilla/base';
import { type HealthCheckRequest, type HealthCheckResponse, HealthService, ServingStatus } from '@armilla/proto';
import { unary } from './handlers.js';

type WatchCall = ServerWritableStream<HealthCheckRequest, HealthCheckResponse>;

/** grpc.health.v1 for the services of one server; the empty name stands for the server as a whole. */
export class Health {
  readonly #statuses = new Map<string, ServingStatus>();
  readonly #watchers = new Map<WatchCall, string>();

  constructor(serviceNames: readonly string[]) {
    for (const name of ['', ...serviceNames]) this.#statuses.set(name, ServingStatus.SERVING);
  }

  setServing(name: string, serving: boolean): void {
    const value = serving ? ServingStatus.SERVING : ServingStatus.NOT_SERVING;
    this.#statuses.set(name, value);
    for (const [call, watched] of this.#watchers) if (watched === name) call.write({ status: value });
  }

  isServing(name = ''): boolean {
    return this.#statuses.get(name) === ServingStatus.SERVING;
  }

  /** Says NOT_SERVING everywhere and ends the watching calls, which would hold up the stop for ever. */
  drain(): void {
    for (const name of this.#statuses.keys()) this.setServing(name, false);
    for (const call of this.#watchers.keys()) call.end();
    this.#watchers.clear();
  }

  addTo(server: Server): void {
    server.addService(HealthService, {
      check: unary<HealthCheckRequest, HealthCheckResponse>(({ service }) => {
        const value = this.#statuses.get(service);
        if (value === undefined)
          throw fail('SERVICE_UNKNOWN', { got: service, known: [...this.#statuses.keys()].filter(Boolean).join(', ') });
        return { status: value };
      }),
      list: unary(() => ({
        statuses: Object.fromEntries([...this.#statuses].map(([name, value]) => [name, { status: value }])),
      })),
      watch: this.#watch,
    });
  }

  readonly #watch: handleServerStreamingCall<HealthCheckRequest, HealthCheckResponse> = (call) => {
    const name = call.request.service;
    this.#watchers.set(call, name);
    const forget = (): void => void this.#watchers.delete(call);
    call.on('cancelled', forget).on('close', forget);
    call.write({ status: this.#statuses.get(name) ?? ServingStatus.SERVICE_UNKNOWN });
  };
}
