export { checkBind, type HostPort, isLoopback, parseAddress } from './auth/bind.js';
export { hashToken, TokenFile } from './auth/token-file.js';
export { callMetadata, callOnce, callOptions, type CallSettings } from './client/call.js';
export { connect, type ConnectedClient, type ConnectOptions } from './client/connect.js';
export { type Config, type ConfigSources, loadConfig } from './config/config.js';
export { CONFIG_KEYS, type ConfigKey, type ConfigKeyName, type ConfigType } from './config/keys.js';
export { abortProblem } from './errors/abort-reason.js';
export { configPage } from './config/page.js';
export { grpcCode, grpcCodeName } from './errors/grpc-code.js';
export { type HttpProblem, httpStatusOf, type ProblemBody, problemToHttp } from './errors/http.js';
export { statusToProblem } from './errors/revive.js';
export { type CallIdentity, ERROR_DOMAIN, problemToStatus, publicProblem, retryAfterSeconds } from './errors/status.js';
export { Admission, type AdmissionOptions, type AdmissionStats, type Permit } from './limits/admission.js';
export { createLogger, type Log, type LogFields, type LogLevel } from './log/logger.js';
export { runtimeService } from './runtime/runtime-service.js';
export {
  type CallToExplain,
  type Explanation,
  type KnownOperation,
  PROFILE_FORMATS,
  type ProfileFile,
  type ProfileFormatName,
  type RouteDecision,
  type RoutedCall,
  type RoutePrediction,
  type RuntimeSource,
} from './runtime/runtime-source.js';
export {
  type DeviceStatus,
  type MemoryLeakStatus,
  type MemoryStatus,
  type OperationStatus,
  type ProfilerStatus,
  type RouterStatus,
  type RuntimeStatus,
  type WorkersStatus,
} from './runtime/runtime-status.js';
export { callSignal } from './serve/call-guard.js';
export { type CallContext, clientStream, duplex, serverStream, unary } from './serve/handlers.js';
export { Health } from './serve/health.js';
export { makeAdmission, type RunningServer, serve, type ServeOptions } from './serve/serve.js';
export { REQUEST_ID_KEY } from './serve/server-call.js';
export { type ServiceContext, type ServiceModule } from './serve/service-module.js';
export { RECEIVE_WINDOW_BYTES } from './serve/window.js';
export { stopOnSignals } from './serve/stop-signals.js';
export { type AssembledMessage, type AssemblerLimits, FrameAssembler } from './stream/assembler.js';
export { crc32c } from './stream/crc32c/index.js';
export { cutMessage, type CutOptions, FRAME_BODY_BYTES, type FramedMessage } from './stream/cut.js';
export { type FlightMessage, makeFlightMessage } from './stream/flight-message.js';
export { type Frame, frameByteLength, makeFrame } from './stream/frame.js';
export { deserializeFrame, serializeFrame } from './stream/frame-codec.js';
export { readFrames } from './stream/read-frames.js';
export { sealFrame } from './stream/seal.js';
export { type FramedService, withFrameCodec } from './stream/service-codec.js';
export { writeFrame } from './stream/write-frame.js';
export { startTelemetry, type Telemetry, type TelemetryOptions } from './telemetry/telemetry.js';
export { formatTraceparent, newSpanContext, parseTraceparent } from './telemetry/trace-context.js';
export { traceClient } from './telemetry/trace-client.js';
