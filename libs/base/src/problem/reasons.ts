/** gRPC status names that a reason maps to; chassis turns them into numbers and HTTP statuses. */
export type StatusName =
  | 'CANCELLED'
  | 'UNKNOWN'
  | 'INVALID_ARGUMENT'
  | 'DEADLINE_EXCEEDED'
  | 'NOT_FOUND'
  | 'ALREADY_EXISTS'
  | 'PERMISSION_DENIED'
  | 'RESOURCE_EXHAUSTED'
  | 'FAILED_PRECONDITION'
  | 'ABORTED'
  | 'OUT_OF_RANGE'
  | 'UNIMPLEMENTED'
  | 'INTERNAL'
  | 'UNAVAILABLE'
  | 'DATA_LOSS'
  | 'UNAUTHENTICATED';

/** Exit codes of the command line (sysexits.h; 2 and 130 by the shell's custom). */
export type ExitCode = 2 | 65 | 66 | 69 | 70 | 73 | 74 | 77 | 130;

export interface Reason {
  readonly code: StatusName;
  readonly exit: ExitCode;
  /** What, where, what was seen, what to do; `{name}` is replaced by the field of that name. */
  readonly message: string;
}

const reason = (code: StatusName, exit: ExitCode, message: string): Reason => ({ code, exit, message });

/**
 * Every reason a call can fail for. Stable: clients compare them. docs/errors.md explains each (a test fails until it
 * does). In alphabetical order.
 */
export const REASONS = {
  ADDRESS_IN_USE: reason('UNAVAILABLE', 69, 'cannot listen on {address}: {detail}'),
  ADDRESS_NOT_LOOPBACK: reason(
    'FAILED_PRECONDITION',
    2,
    '{address} can be reached from other machines: give a TLS certificate (tls_cert, tls_key) and a token file (auth_tokens), or listen on 127.0.0.1',
  ),
  AREA_INVALID: reason('INVALID_ARGUMENT', 2, 'area: {detail}'),
  ARROW_INVALID: reason('INVALID_ARGUMENT', 65, '{where}: not a valid Arrow IPC stream: {detail}'),
  ARROW_LIMIT: reason('INVALID_ARGUMENT', 65, '{where}: Arrow stream over a limit: {detail}'),
  ARROW_TRUNCATED: reason('INVALID_ARGUMENT', 65, '{where}: the Arrow stream ends early: {detail}'),
  ARROW_TYPE_UNSUPPORTED: reason(
    'UNIMPLEMENTED',
    65,
    "{where}: column '{column}' has type {type}, which cannot be carried; cast it or leave it out",
  ),
  BACKEND_UNAVAILABLE: reason('FAILED_PRECONDITION', 69, '{operation}: the backend {backend} is not there: {detail}'),
  BAD_ROW: reason(
    'INVALID_ARGUMENT',
    65,
    '{where}: row {row} is unusable ({reason}): {column} = {got}; without strict such rows are counted and skipped',
  ),
  CANCELLED: reason('CANCELLED', 130, 'the call was cancelled'),
  CHECKSUM_MISMATCH: reason(
    'DATA_LOSS',
    74,
    '{where}: CRC-32C is {got}, expected {expected}: the bytes were changed on the way; send them again',
  ),
  COLUMN_AMBIGUOUS: reason(
    'INVALID_ARGUMENT',
    65,
    '{where}: {count} columns could be the {role}: {candidates}; name one ({option})',
  ),
  COLUMN_DUPLICATE: reason(
    'INVALID_ARGUMENT',
    65,
    "{where}: the column name '{column}' occurs {count} times; rename all but one",
  ),
  COLUMN_NOT_FOUND: reason('INVALID_ARGUMENT', 65, "{where}: no column '{column}'; there are: {available}"),
  COLUMN_NOT_GUESSED: reason(
    'INVALID_ARGUMENT',
    65,
    '{where}: no column looks like the {role}; name it ({option}); there are: {available}',
  ),
  COLUMN_TYPE: reason('INVALID_ARGUMENT', 65, "{where}: column '{column}' is {type}, must be {expected}"),
  CONFIG_INVALID: reason('FAILED_PRECONDITION', 2, 'configuration refused: {detail}'),
  CONTENT_ENCODING_UNKNOWN: reason(
    'INVALID_ARGUMENT',
    2,
    "content-encoding '{got}' is not read; send the body as it is, or with {known}",
  ),
  CSV_INVALID: reason('INVALID_ARGUMENT', 65, '{where}: line {line}: {detail}'),
  DEADLINE_EXCEEDED: reason('DEADLINE_EXCEEDED', 69, 'the deadline passed after {elapsed}'),
  DEVICE_FAILED: reason('UNAVAILABLE', 69, 'the driver of the device {device} failed: {detail}'),
  DEVICE_LIMIT_EXCEEDED: reason(
    'INVALID_ARGUMENT',
    65,
    '{job}: {field} must be at most {limit} on this device, got {got}: cut the job into chunks',
  ),
  DEVICE_LOST: reason('UNAVAILABLE', 69, 'the device {device} was lost and a second attempt failed too: {detail}'),
  DEVICE_STALLED: reason('UNAVAILABLE', 69, 'the device {device} has got on with nothing for {seconds} s'),
  DEVICE_UNAVAILABLE: reason('UNAVAILABLE', 69, 'the GPU provider {provider} cannot be used: {detail}'),
  DRAINING: reason('UNAVAILABLE', 69, 'the server is stopping; try another or again'),
  FITS_INVALID: reason('INVALID_ARGUMENT', 65, '{where}: not a valid FITS table: {detail}'),
  FITS_UNSUPPORTED: reason('UNIMPLEMENTED', 65, '{where}: {detail}'),
  FORMAT_NOT_WRITABLE: reason('INVALID_ARGUMENT', 2, "cannot write '{got}'; known are {known}"),
  FORMAT_UNKNOWN: reason(
    'INVALID_ARGUMENT',
    65,
    '{where}: not a table in a known format ({detail}); known are CSV, TSV, Arrow IPC (stream, file), Parquet, FITS and VOTable, all but Arrow and Parquet also gzipped',
  ),
  GZIP_INVALID: reason('INVALID_ARGUMENT', 65, '{where}: broken gzip data: {detail}'),
  HANDLE_EXISTS: reason(
    'ALREADY_EXISTS',
    73,
    "a table '{name}' is stored already; replace it explicitly or choose another name",
  ),
  HANDLE_INVALID: reason(
    'INVALID_ARGUMENT',
    2,
    "'{got}' is no table name: 1 to 128 of letters, digits, '_', '.' and '-', not starting with '.'",
  ),
  HANDLE_NOT_FOUND: reason('NOT_FOUND', 66, "no table '{name}' is stored here; put it first, or it has expired"),
  HATS_INVALID: reason('INVALID_ARGUMENT', 65, '{where}: not a usable HATS catalog: {detail}'),
  HATS_PARTITION_MISSING: reason(
    'NOT_FOUND',
    66,
    '{where}: partition {partition} has no file {path} ({count} of {total} partitions are missing); fetch the whole catalog',
  ),
  HATS_UNSUPPORTED: reason('UNIMPLEMENTED', 65, '{where}: this HATS catalog is not read: {detail}'),
  HISTOGRAM_INVALID: reason('INVALID_ARGUMENT', 65, '{where}: not a usable histogram of magnitudes: {detail}'),
  INPUT_NOT_FOUND: reason('NOT_FOUND', 66, '{where}: no such file'),
  INPUT_UNREADABLE: reason('FAILED_PRECONDITION', 66, '{where}: cannot be read: {detail}'),
  INTERNAL: reason('INTERNAL', 70, 'internal error ({detail}); please report it with request id {request_id}'),
  KERNEL_INVALID: reason('INTERNAL', 70, '{file}, line {line}: the kernel does not compile: {detail}'),
  KERNEL_MISMATCH: reason('INTERNAL', 70, 'kernel {kernel} disagrees with its reference on this machine: {detail}'),
  LEASE_RELEASED: reason(
    'INTERNAL',
    70,
    "the lease '{label}' of {size} had been given back when {detail}; release it once, after its last use",
  ),
  MAX_PAIRS_EXCEEDED: reason(
    'OUT_OF_RANGE',
    65,
    '{estimated} pairs lie within the radius, over the limit of {limit}; use a smaller radius or, of two tables, find=nearest, or raise max_pairs',
  ),
  MEMORY_EXHAUSTED: reason(
    'RESOURCE_EXHAUSTED',
    69,
    'the call needs {needed} of memory, {available} is free of {limit}; try again later, send smaller tables or raise the limit',
  ),
  MEMORY_OVER_LIMIT: reason(
    'RESOURCE_EXHAUSTED',
    69,
    'the call needs {needed} of memory, over the limit of {limit}; send smaller tables or raise the limit',
  ),
  MESSAGE_TOO_LARGE: reason('RESOURCE_EXHAUSTED', 65, '{where}: {got} bytes, over the limit of {limit}'),
  METHOD_NOT_ALLOWED: reason('UNIMPLEMENTED', 2, '{method} is not possible at {path}; possible: {allowed}'),
  MOC_INVALID: reason('INVALID_ARGUMENT', 65, '{where}: not a usable coverage map (MOC): {detail}'),
  OPERATION_UNKNOWN: reason('NOT_FOUND', 2, 'there is no operation {operation}; there are {known}'),
  OPTIONS_CONFLICT: reason('INVALID_ARGUMENT', 2, '{detail}'),
  OPTION_INVALID: reason('INVALID_ARGUMENT', 2, '{field} must be {expected}, got {got}'),
  OPTION_UNKNOWN: reason('INVALID_ARGUMENT', 2, "no option '{got}'; known are {known}"),
  OUTPUT_EXISTS: reason('ALREADY_EXISTS', 73, '{where} exists; give --overwrite to replace it'),
  OUTPUT_NOT_CREATED: reason('FAILED_PRECONDITION', 73, '{where}: cannot be created: {detail}'),
  OUTPUT_WRITE_FAILED: reason('ABORTED', 74, '{where}: writing failed: {detail}; no half file was left'),
  PARQUET_INVALID: reason('INVALID_ARGUMENT', 65, '{where}: not a valid Parquet file: {detail}'),
  PARQUET_UNSUPPORTED: reason('UNIMPLEMENTED', 65, '{where}: {detail}'),
  PERMISSION_DENIED: reason('PERMISSION_DENIED', 77, '{detail}'),
  PROFILE_INVALID: reason('INVALID_ARGUMENT', 65, '{where}: not a profile that can be read: {detail}'),
  QUOTA_EXCEEDED: reason(
    'RESOURCE_EXHAUSTED',
    69,
    'stored tables may hold {limit}; {used} is used and this one needs {needed}; delete some first',
  ),
  RADIUS_OUT_OF_RANGE: reason('INVALID_ARGUMENT', 2, '{field} must be in (0, 648000] arcsec (180 degrees), got {got}'),
  READER_TOO_SLOW: reason(
    'ABORTED',
    74,
    'the reader took {rate} bytes/s, below the minimum of {limit} bytes/s for {seconds} s',
  ),
  REQUEST_INVALID: reason('INVALID_ARGUMENT', 2, '{detail}'),
  RESULT_NOT_FOUND: reason('NOT_FOUND', 66, "no result '{request_id}' is known here; results are kept for 10 minutes"),
  RESUME_REFUSED: reason(
    'FAILED_PRECONDITION',
    65,
    '{where}: the match cannot be continued: {detail}; remove the folder and begin anew',
  ),
  ROUTE_NOT_FOUND: reason(
    'NOT_FOUND',
    2,
    'there is nothing at {path}; there are {known}, which GET /openapi.json describes',
  ),
  SCHEMAS_DIFFER: reason(
    'INVALID_ARGUMENT',
    65,
    '{where}: not the same columns as {first}: {detail}; files of one table must agree',
  ),
  SCRATCH_EXISTS: reason(
    'ALREADY_EXISTS',
    73,
    '{where} holds an unfinished match: continue it (--resume) or remove the folder',
  ),
  SCRATCH_FAILED: reason('ABORTED', 74, '{where}: the scratch folder cannot be used: {detail}'),
  SCRATCH_FULL: reason(
    'RESOURCE_EXHAUSTED',
    74,
    '{where}: the scratch folder has no room: {needed} needed, {available} free; make room or give another folder (--scratch)',
  ),
  SENDER_TOO_SLOW: reason(
    'ABORTED',
    74,
    'the sender gave {rate} bytes/s, below the minimum of {limit} bytes/s for {seconds} s',
  ),
  SERVER_BUSY: reason(
    'RESOURCE_EXHAUSTED',
    69,
    '{running} calls run and {waiting} wait; try again in {retry_seconds} s',
  ),
  SERVER_UNAVAILABLE: reason('UNAVAILABLE', 69, '{target} cannot be reached: {detail}'),
  SERVICE_UNKNOWN: reason('NOT_FOUND', 69, "no service '{got}' runs here; known are {known}"),
  SHAPE_MISMATCH: reason('INVALID_ARGUMENT', 2, '{operation}: {operand} must be {expected}, got {got}'),
  SPOOL_FAILED: reason('RESOURCE_EXHAUSTED', 69, 'the server could not keep the upload on its disk: {detail}'),
  SPOOL_FULL: reason(
    'RESOURCE_EXHAUSTED',
    69,
    'uploads that wait on disk hold {used} of {limit}; send options, right and left in this order, so that nothing waits, or try again later',
  ),
  STREAM_INCOMPLETE: reason('DATA_LOSS', 74, '{where}: the stream ended without its summary: {detail}'),
  STREAM_ORDER: reason('INVALID_ARGUMENT', 65, '{where}: {detail}'),
  UNAUTHENTICATED: reason('UNAUTHENTICATED', 77, 'a valid bearer token is needed: {detail}'),
  VOTABLE_INVALID: reason('INVALID_ARGUMENT', 65, '{where}: not a valid VOTable: {detail}'),
  VOTABLE_UNSUPPORTED: reason('UNIMPLEMENTED', 65, '{where}: {detail}'),
  WHERE_INVALID: reason('INVALID_ARGUMENT', 2, '{field}, character {position}: {detail}'),
  WHERE_TYPE: reason('INVALID_ARGUMENT', 2, '{field}, character {position}: {detail}'),
} as const satisfies Record<string, Reason>;

export type ReasonName = keyof typeof REASONS;

/** Why a single row was rejected; counted in summaries, never an error of the call unless `strict`. */
export const ROW_REASONS = {
  POSITION_NULL: 'right ascension or declination is null',
  POSITION_NAN: 'right ascension or declination is not a number',
  POSITION_INFINITE: 'right ascension or declination is infinite',
  DECLINATION_OUT_OF_RANGE: 'declination lies outside [-90, 90] degrees',
  POSITION_TEXT: 'the text of right ascension or declination is not sexagesimal',
  EPOCH_INVALID: 'the epoch is null, not finite, or no date in the unit of its column',
  ERROR_INVALID:
    'the position error is null, not finite or negative (zero too, where probabilities are asked for), its ellipse is wider than long, or its correlation lies outside (-1, 1)',
  RADIUS_INVALID: 'the radius of the row is null, not finite or negative',
} as const;

export type RowReason = keyof typeof ROW_REASONS;
