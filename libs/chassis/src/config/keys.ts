/** What a configuration value may be; `bytes` and `seconds` take units ("2GiB", "500ms"), a `share` is part of a whole. */
export type ConfigType = 'text' | 'count' | 'bytes' | 'seconds' | 'share' | 'switch' | 'level';

export interface ConfigKey {
  readonly type: ConfigType;
  readonly unit: string;
  readonly default: string | number | boolean;
  /** Inclusive range, for numbers. */
  readonly minimum?: number;
  readonly maximum?: number;
  /** What it does, in one sentence. */
  readonly sentence: string;
}

type Numeric = { readonly default: number; readonly minimum?: number; readonly maximum?: number };

const text = <D extends string>(fallback: D, sentence: string) =>
  ({ type: 'text', unit: '', default: fallback as string, sentence }) as const;
const count = (range: Numeric, unit: string, sentence: string) =>
  ({ type: 'count', unit, minimum: 0, ...range, sentence }) as const;
const bytes = (range: Numeric, sentence: string) =>
  ({ type: 'bytes', unit: 'bytes', minimum: 0, ...range, sentence }) as const;
const seconds = (range: Numeric, sentence: string) =>
  ({ type: 'seconds', unit: 's', minimum: 0, ...range, sentence }) as const;
const share = (fallback: number, sentence: string) =>
  ({ type: 'share', unit: '', default: fallback, minimum: 0.01, maximum: 1, sentence }) as const;
const flag = (fallback: boolean, sentence: string) =>
  ({ type: 'switch', unit: '', default: fallback as boolean, sentence }) as const;

const MIB = 2 ** 20;
const GIB = 2 ** 30;
const DAY = 86_400;

/**
 * Every setting of every server, in alphabetical order. A key is read from the flag `--key-name`, else the environment
 * variable ARMILLA_KEY_NAME, else the configuration file. docs/config.md is generated from this table.
 */
export const CONFIG_KEYS = {
  admission_queue_length: count(
    { default: 64, maximum: 100_000 },
    'calls',
    'Calls that may wait for memory; a further one is refused with SERVER_BUSY.',
  ),
  admission_wait_seconds: seconds(
    { default: 30, maximum: 3600 },
    'Longest wait for memory before a call is refused with MEMORY_EXHAUSTED.',
  ),
  auth_tokens: text(
    '',
    'File of SHA-256 hashes of accepted bearer tokens, one per line, each optionally followed by a name; read again when it changes. Empty: no tokens are asked for.',
  ),
  crossmatch_target: text(
    '',
    'Address of the crossmatch service that the gateway calls; empty: the one in its own process.',
  ),
  default_deadline_seconds: seconds(
    { default: 3600, minimum: 1, maximum: 24 * DAY },
    'Deadline of a call that brings none.',
  ),
  drain_seconds: seconds({ default: 15, maximum: 3600 }, 'Time that running calls have to finish after SIGTERM.'),
  frame_crc: flag(false, 'Sum every response frame with CRC-32C; request frames that carry a sum are always verified.'),
  gpu_devices: text(
    'auto',
    'GPUs to compute on: auto (every adapter that is no software), none, or parts of the names of adapters with commas between (armilla status lists them).',
  ),
  gpu_memory_limit_bytes: bytes(
    { default: 0 },
    'Memory of each GPU that processes may use, of which this one takes its gpu_share; 0: four fifths of what a probe of the device tells.',
  ),
  gpu_share: share(
    1,
    'Part of each GPU that this process takes; processes whose shares add up to 1 may use it together.',
  ),
  gpu_tenant_memory_bytes: bytes(
    { default: 0 },
    'Memory of each GPU that one tenant may take (docs/memory.md); 0: no more is said than for all.',
  ),
  grpc_address: text('127.0.0.1:7430', 'Address that the gRPC services listen on, host:port; port 0 takes a free one.'),
  header_seconds: seconds(
    { default: 20, minimum: 1, maximum: 3600 },
    'Time that an HTTP client has to send the headers of a request; the connection is then closed.',
  ),
  http_address: text('127.0.0.1:7431', 'Address that the HTTP gateway listens on, host:port; port 0 takes a free one.'),
  idle_seconds: seconds(
    { default: 600, minimum: 1, maximum: DAY },
    'Longest wait for the next message of a client that uploads; the call is then ended with DEADLINE_EXCEEDED.',
  ),
  keepalive_seconds: seconds({ default: 60, minimum: 1, maximum: DAY }, 'Interval of the pings that find dead peers.'),
  log_level: {
    type: 'level',
    unit: '',
    default: 'info' as string,
    sentence: 'Least severe events that are logged: debug, info, warn, error or silent.',
  },
  max_concurrent_streams: count(
    { default: 128, minimum: 1, maximum: 100_000 },
    'calls',
    'Calls that one connection may have open at once.',
  ),
  max_connections: count(
    { default: 1024, minimum: 1, maximum: 1_000_000 },
    'connections',
    'Connections that a listener accepts at once.',
  ),
  max_deadline_seconds: seconds(
    { default: DAY, minimum: 1, maximum: 24 * DAY },
    'Longest deadline that a call may ask for; a longer one is cut to this.',
  ),
  max_flight_message_bytes: bytes(
    { default: 256 * MIB, minimum: 2 * MIB, maximum: GIB },
    'Largest message of an Arrow Flight stream, which is a record batch as the client wrote it.',
  ),
  max_http_streams: count(
    { default: 256, minimum: 1, maximum: 100_000 },
    'requests',
    'Uploads and matches that the gateway runs at once; a further one is refused with SERVER_BUSY.',
  ),
  max_message_bytes: bytes(
    { default: 4 * MIB, minimum: 2 * MIB, maximum: 64 * MIB },
    'Largest gRPC message that is received or sent.',
  ),
  max_pairs: count(
    { default: 2_147_483_647, minimum: 1, maximum: Number.MAX_SAFE_INTEGER },
    'pairs',
    'A match estimated to give more pairs is refused.',
  ),
  memory_limit_bytes: bytes(
    { default: 0 },
    'Memory that running calls may plan together; 0: three quarters of what the machine or its container allows.',
  ),
  min_reader_bytes_per_second: bytes(
    { default: 16 * 1024 },
    'A reader that takes less over reader_window_seconds is ended with READER_TOO_SLOW; 0: any rate is fine.',
  ),
  min_sender_bytes_per_second: bytes(
    { default: 1024 },
    'An upload that gives less over sender_window_seconds while the gateway waits for it is refused with SENDER_TOO_SLOW; 0: any rate is fine.',
  ),
  reader_window_seconds: seconds(
    { default: 120, minimum: 1, maximum: DAY },
    'Time over which a reader must keep min_reader_bytes_per_second.',
  ),
  reflection: flag(true, 'Answer gRPC server reflection, so that tools such as grpcurl need no .proto files.'),
  result_ttl_seconds: seconds(
    { default: 600, minimum: 1, maximum: DAY },
    'Time that the summary of a finished match is kept.',
  ),
  route: text(
    '',
    'Devices that operations are sent to whatever the router has learnt: operation=device with commas between, such as gpu.matmul=webgpu:0,*=wasm (docs/router.md).',
  ),
  sender_window_seconds: seconds(
    { default: 60, minimum: 1, maximum: DAY },
    'Time over which an upload must keep min_sender_bytes_per_second.',
  ),
  shadow_one_of: count(
    { default: 0, maximum: 1_000_000_000 },
    'calls',
    'One of so many routed calls runs on the next best device too, and their results are compared; 0: none (docs/router.md).',
  ),
  spool_directory: text(
    '',
    'Folder for uploads that cannot be streamed on at once; empty: the folder for temporary files of the system.',
  ),
  spool_limit_bytes: bytes(
    { default: 16 * GIB },
    'Disk that all uploads in spool_directory may take together; one more is refused with SPOOL_FULL.',
  ),
  state_directory: text(
    '',
    'Folder for what is kept between runs, such as what the router has measured; empty: armilla in the folder for state of the user ($XDG_STATE_HOME, else ~/.local/state).',
  ),
  table_quota_bytes: bytes({ default: 0 }, 'Memory that stored tables may hold together; 0: half of the memory limit.'),
  table_ttl_seconds: seconds(
    { default: 3600, minimum: 1, maximum: 365 * DAY },
    'Time after its last use that a stored table is kept, when its owner names none.',
  ),
  tls_cert: text('', 'PEM file of the certificate chain; with tls_key all listeners speak TLS.'),
  tls_key: text('', 'PEM file of the private key of tls_cert.'),
  upload_limit_bytes: bytes({ default: 64 * GIB, minimum: 1 }, 'Largest body of an HTTP request.'),
  worker_count: count(
    { default: 0, maximum: 256 },
    'threads',
    'Worker threads for kernels, parsing and formatting; 0: one per core that the process may use.',
  ),
} as const satisfies Record<string, ConfigKey>;

export type ConfigKeyName = keyof typeof CONFIG_KEYS;
