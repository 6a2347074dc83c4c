import { Random } from '@armilla/base';
import { Field, Float64, Int32 } from 'apache-arrow';
import { encodeColumnChunk } from '../write/chunk.js';
import { columnSpec } from '../write/column.js';
import { encodedWordsLimit, encodeWords, wordsOf } from './words.js';

test.each([
  ['numbers that stay as they are', new Float64(), (random: Random) => random.normal()],
  ['numbers that shrink', new Int32(), (random: Random) => random.below(3)],
])('%s are the same bytes whether they are gathered or written as a column, of several pages', (_, type, draw) => {
  const random = new Random(5);
  const rowCount = 300_000;
  const values = Float64Array.from({ length: rowCount }, () => draw(random));
  const typed = type instanceof Int32 ? Int32Array.from(values) : values;
  for (const nullable of [false, true]) {
    const spec = columnSpec(new Field('x', type, nullable), 'test');
    const out = new Uint8Array(encodedWordsLimit(rowCount, spec.byteWidth));
    const words = encodeWords(spec, wordsOf(typed, spec.byteWidth), undefined, rowCount, undefined, out);
    const bytes = new Uint8Array(typed.buffer);
    const piece = {
      length: rowCount,
      nullCount: 0,
      validity: undefined,
      bitOffset: 0,
      values: bytes,
      offsets: undefined,
    };
    const { parts, ...column } = encodeColumnChunk(spec, [piece]);
    const { parts: ofWords, ...wordColumn } = words;
    expect(wordColumn).toEqual(column);
    expect(Buffer.compare(Buffer.concat(ofWords), Buffer.concat(parts))).toBe(0);
  }
});
