import { readReports, reportLine } from './report-line.js';

const reports = [{ provider: 'webgpu' as const, adapters: [], reason: 'none' }];

test('reports are read among what drivers print before and after', () => {
  const line = reportLine(reports);
  for (const printed of [line, `MESA: hello${line}`, `[]\n${line}bye`, `${line}{"not": "ours"}\n`])
    expect(readReports(printed)).toEqual(reports);
});

test('what cannot be read is no report', () => {
  for (const printed of ['', 'MESA: hello\n', '[]', reportLine(reports).slice(0, -5)])
    expect(readReports(printed)).toBeUndefined();
});
