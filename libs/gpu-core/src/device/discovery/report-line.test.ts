import { readReport, reportLine } from './report-line.js';

const report = { provider: 'webgpu', adapters: [], reason: 'none' };

test('a report is read among what drivers print before and after', () => {
  const line = reportLine(report);
  for (const printed of [line, `MESA: hello${line}`, `[]\n${line}bye`, `${line}{"not": "ours"}\n`])
    expect(readReport(printed)).toEqual(report);
});

test('what cannot be read is no report', () => {
  for (const printed of ['', 'MESA: hello\n', '[]', reportLine(report).slice(0, -5)])
    expect(readReport(printed)).toBeUndefined();
});
