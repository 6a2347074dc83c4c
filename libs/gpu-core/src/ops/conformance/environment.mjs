import { TestEnvironment } from 'jest-environment-node';

/** Native modules make arrays of the outer realm; the tests shall see those as what they are. */
export default class OuterArrays extends TestEnvironment {
  constructor(...args) {
    super(...args);
    Object.assign(this.global, { Float32Array, Float64Array, Uint8Array, BigInt64Array, ArrayBuffer });
  }
}
