export * from './gen/armilla/type/v1/frame.js';
export * from './gen/armilla/type/v1/stream.js';
export * from './gen/armilla/crossmatch/v1/crossmatch.js';
export {
  CallSize,
  CrossoverRange,
  Decision as RoutedDecision,
  Device as RuntimeDevice,
  DeviceLimits as RuntimeDeviceLimits,
  DeviceRefusal,
  ExplainRequest as RuntimeExplainRequest,
  ExplainResponse as RuntimeExplainResponse,
  GetProfileRequest,
  GetProfileResponse,
  GetStatusRequest,
  GetStatusResponse,
  ListDecisionsRequest,
  ListDecisionsResponse,
  Memory as RuntimeMemory,
  Model as RouterModel,
  OperationSummary,
  Prediction,
  ProfileFormat,
  ProfilerSummary,
  Regret as RouterRegret,
  Router as RuntimeRouter,
  RouterOperation,
  RuntimeServiceService,
  Workers as RuntimeWorkers,
} from './gen/armilla/runtime/v1/runtime.js';
export { BadRequest, ErrorInfo, RequestInfo, RetryInfo } from './gen/google/rpc/error_details.js';
export { Status as RpcStatus } from './gen/google/rpc/status.js';
export {
  HealthCheckRequest,
  HealthCheckResponse,
  HealthCheckResponse_ServingStatus as ServingStatus,
  HealthClient,
  HealthListResponse,
  HealthService,
} from './gen/grpc/health/v1/health.js';
export {
  ServerReflectionRequest,
  ServerReflectionResponse,
  ServerReflectionService,
} from './gen/grpc/reflection/v1/reflection.js';
export {
  Action as FlightAction,
  ActionType as FlightActionType,
  Criteria as FlightCriteria,
  Empty as FlightEmpty,
  FlightData,
  FlightDescriptor,
  FlightDescriptor_DescriptorType as FlightDescriptorType,
  FlightEndpoint,
  FlightInfo,
  FlightServiceService,
  HandshakeRequest as FlightHandshakeRequest,
  HandshakeResponse as FlightHandshakeResponse,
  PutResult as FlightPutResult,
  Result as FlightResult,
  SchemaResult as FlightSchemaResult,
  Ticket as FlightTicket,
} from './gen/arrow/flight/protocol/flight.js';
