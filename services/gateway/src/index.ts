export { type GatewayOptions, type RunningGateway, startGateway } from './gateway.js';
export { type SideOption, SIDE_OPTIONS } from './options/side-options.js';
