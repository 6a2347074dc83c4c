import { type Server } from '@grpc/grpc-js';

/**
 * HTTP/2 receive window of either end. gRPC's default of 64 KiB reaches a fifth of the throughput; beyond 1 MiB two
 * ends that stream at once stop for ever, when the windows exceed what the socket buffers hold.
 */
export const RECEIVE_WINDOW_BYTES = 1024 * 1024;

interface Http2Listener {
  on(event: 'session', listener: (session: { setLocalWindowSize(bytes: number): void }) => void): void;
  maxConnections?: number;
}

interface ServerInternals {
  readonly commonServerOptions: { settings?: Record<string, number> };
  readonly http2Servers: ReadonlyMap<Http2Listener, unknown>;
}

/**
 * grpc-js has no server option for the window of streams: its private settings are the way. Before binding. A test
 * holds the window that a client sees.
 */
export function setStreamWindow(server: Server): void {
  const { commonServerOptions } = server as unknown as ServerInternals;
  commonServerOptions.settings = { ...commonServerOptions.settings, initialWindowSize: RECEIVE_WINDOW_BYTES };
}

/** The window of whole connections, and how many there may be. After binding. */
export function setConnectionLimits(server: Server, maxConnections: number): void {
  for (const listener of (server as unknown as ServerInternals).http2Servers.keys()) {
    listener.on('session', (session) => session.setLocalWindowSize(RECEIVE_WINDOW_BYTES));
    listener.maxConnections = maxConnections;
  }
}
