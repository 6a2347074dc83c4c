// Structures in the heap, as byte offsets; layout.ts holds the same numbers for the host, and kernel.wgsl has those of a device.

/** A ball about a run: x, y, z, radius, f64 each. */
export const BALL_BYTES: usize = 32;
/** No place that there is. */
export const NO_PLACE: u32 = 0xffffffff;

/** Parameters of `arrange`. */
export const A_TASKS: usize = 0; // -> tasks
export const A_RECORDS: usize = 4; // -> records
export const A_ORDER: usize = 8; // right: -> i32[records] records by place, else 0
export const A_FIRST_RECORDS: usize = 12; // right: -> i32[places] first of each in the order
export const A_RANKS: usize = 16; // left: -> i32[records] place of each
export const A_OFFSETS: usize = 20; // -> structures Row or Place of the device
export const A_STRIDE: usize = 24; // bytes of one
export const A_ENDS: usize = 28; // -> i32[runs] place after each
export const A_BALLS: usize = 32; // -> balls[runs]
export const A_COUNTS: usize = 36; // -> i32[tasks, 2] runs and places
export const A_MOST: usize = 40; // i32 places of a run at most
export const A_SCRATCH: usize = 44; // -> private memory of worker 0
export const A_SCRATCH_STRIDE: usize = 48;
export const A_LONE_PLACES: usize = 52; // left, of a table with itself: -> u32[right rows] the place that a row has alone
export const A_LONE_COUNT: usize = 56; // u32 right rows, else 0
export const A_SELF_FIRST: usize = 60; // i32 right row that is left row 0
export const A_BYTES: usize = 64;

/** Parameters of `nameLonePlaces`. */
export const L_RECORDS: usize = 0; // -> right records
export const L_ORDER: usize = 4;
export const L_FIRST_RECORDS: usize = 8; // -> i32[places + 1]
export const L_PLACE_COUNT: usize = 12; // i32
export const L_STEP: usize = 16; // i32 places of an item
export const L_OUT: usize = 20; // -> u32[right rows], filled with NO_PLACE
export const L_BYTES: usize = 24;

/** Parameters of the search for the cells that blocks visit; of `raise` the levels only. */
export const V_LEVELS: usize = 0; // -> u32[levels, 2] balls and their number; the first are the cells of the part
export const V_LEVEL_COUNT: usize = 4; // i32
export const V_CELL_ENDS: usize = 8; // -> i32[cells] place after each
export const V_FIRST_PLACE: usize = 12; // i32 first place of the part
export const V_BLOCK_BALLS: usize = 16; // -> balls[blocks], from the first one on
export const V_BLOCK_COUNT: usize = 20; // i32
export const V_STEP: usize = 24; // i32 blocks of an item
export const V_SURE_COUNT: usize = 28; // i32 places that have to be near for the nearest to be among them, 0: all within the radius
export const V_REACHES: usize = 32; // -> f64[blocks] how far the visited cells may be
export const V_COUNTS: usize = 36; // -> i32[blocks, 2] visits, and places of the visited cells
export const V_CELLS: usize = 40; // -> i32[blocks, REMEMBERED_CELLS] the first cells that each visits
export const V_FIRST_VISITS: usize = 44; // -> u32[blocks]
export const V_VISITS: usize = 48; // -> structures Visit
export const V_LIMIT_CHORD: usize = 56; // f64
export const V_FLOOR_CHORD: usize = 64; // f64
export const V_BYTES: usize = 72;
export const REMEMBERED_CELLS: i32 = 32;

/** Parameters of `decide`, besides those of the join. */
export const D_FIRST_TASK: usize = 0; // i32
export const D_FROM: usize = 4; // i32 left rows [from, to) along the curve
export const D_TO: usize = 8; // i32
export const D_RANKS: usize = 12; // -> i32[left records]
export const D_RIGHT_RECORDS: usize = 16; // -> records
export const D_ORDER: usize = 20; // -> i32[right records]
export const D_FIRST_RECORDS: usize = 24; // -> i32[places + 1]
export const D_MOST_OF_PLACE: usize = 28; // i32 rows of one place that may be in pairs of a left row
export const D_PARTS: usize = 32; // -> parts
export const D_PART_COUNT: usize = 36; // i32
export const D_BYTES: usize = 40;

/** What a device found in one part of the index. */
export const F_FOUND: usize = 0; // -> structures Found of left rows [from, to)
export const F_CANDIDATES: usize = 4; // -> u32[] places, from the first of the part on
export const F_FIRST_PLACE: usize = 8; // i32
export const F_BYTES: usize = 12;

// Structures of kernel.wgsl.
export const ROW_ITSELF: usize = 12;
export const VISIT_BYTES: usize = 36;
export const VISIT_FIRST_PLACE: usize = 12;
export const VISIT_PLACE_COUNT: usize = 16;
export const VISIT_MOST: usize = 20;
export const VISIT_LEAST: usize = 24;
export const VISIT_SURELY: usize = 28;
export const VISIT_SPREAD: usize = 32;
export const FOUND_BYTES: usize = 8;
export const FOUND_COUNT: usize = 4;
