// Matrix products in one shared memory. An item is a tile of one product, or several whole products that are small.
export { multiplyF32 } from './kernel/f32.as';
export { multiplyF64 } from './kernel/f64.as';
