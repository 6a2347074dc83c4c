import { acceptedFormat } from './answer-format.js';

test.each([
  [undefined, 'arrow-stream'],
  ['', 'arrow-stream'],
  ['*/*', 'arrow-stream'],
  ['text/html,application/xhtml+xml,*/*;q=0.8', 'arrow-stream'],
  ['text/csv', 'csv'],
  ['TEXT/CSV; charset=utf-8', 'csv'],
  ['text/*', 'csv'],
  ['text/csv;q=0.5, application/vnd.apache.parquet', 'parquet'],
  ['text/tab-separated-values, text/csv', 'tsv'],
  ['application/x-ndjson;q=0.1, image/png', 'jsonl'],
  ['application/vnd.apache.arrow.stream;q=0, */*', 'arrow-file'],
])('accept %j gives %s', (accept, format) => {
  expect(acceptedFormat(accept)).toBe(format);
});

test.each(['image/png', 'text/csv;q=0', 'application/json', ',,,'])('accept %j is refused', (accept) => {
  expect(() => acceptedFormat(accept)).toThrow(expect.objectContaining({ reason: 'FORMAT_NOT_WRITABLE' }));
});
