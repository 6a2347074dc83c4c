import { MessageDecoder } from '@armilla/tables';
import { type Block, readBlock, readFully, type SharedFile } from './block.js';
import { isWords } from '../result/joined-data.js';
import { scratchBuffer } from './scratch-words.js';

/** Blocks of a partitioned table whose columns are to be put one behind the other. */
export interface LoadTask {
  readonly lanes: SharedFile['lanes'];
  readonly blocks: readonly Block[];
  /** The schema of the blocks as an Arrow message. */
  readonly schemaHeader: Uint8Array;
  /** [columns] in shared memory, each with room for all rows. */
  readonly out: readonly Uint8Array[];
}

/** Reads the blocks; false where a column has other values than numbers without nulls. In a worker. */
export function loadBucket({ lanes, blocks, schemaHeader, out }: LoadTask): boolean {
  const decoder = new MessageDecoder({ where: 'scratch' });
  decoder.decode({ header: schemaHeader, body: [], bodyLength: 0 });
  const ends = out.map(() => 0);
  for (const block of blocks) {
    const length = block.headerLength + block.bodyLength;
    const { fd, path } = lanes[block.lane];
    // A block fits the second-level cache, so that reading it there first costs less than one more call for each column.
    const bytes = new Uint8Array(scratchBuffer('load.block', length), 0, length);
    readFully(fd, bytes, block.offset, path);
    const { children } = readBlock(bytes, block, decoder, path).data;
    if (!children.every(isWords)) return false;
    children.forEach(({ values }, c) => {
      const { buffer, byteOffset, byteLength } = values as Uint8Array;
      out[c].set(new Uint8Array(buffer, byteOffset, byteLength), ends[c]);
      ends[c] += byteLength;
    });
  }
  return true;
}
