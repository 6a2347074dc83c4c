export * from './gen/armilla/type/v1/frame.js';
export * from './gen/armilla/type/v1/stream.js';
export * from './gen/armilla/crossmatch/v1/crossmatch.js';
