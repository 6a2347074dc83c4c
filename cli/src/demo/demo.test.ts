import { runCli } from '../testing/run-cli.js';

test('the demo shows rows that add up, and completeness and purity as predicted', async () => {
  const { code, stdout, stderr } = await runCli(['demo', '--rows', '50000', '--no-large'], {
    env: { ARMILLA_HTTP_ADDRESS: '127.0.0.1:0' },
  });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toContain('first matched rows');
  for (const side of ['left', 'right']) {
    const [, ...counts] =
      new RegExp(
        `^  ${side} +([\\d,]+) rows in = ([\\d,]+) matched \\+ ([\\d,]+) unmatched \\+ ([\\d,]+) rejected`,
        'm',
      ).exec(stdout) ?? [];
    const [rows, matched, unmatched, rejected] = counts.map((text) => Number(text.replaceAll(',', '')));
    expect(rows).toBe(50_000);
    expect(matched + unmatched + rejected).toBe(rows);
    expect(rejected).toBe(25);
  }
  for (const name of ['completeness', 'purity']) {
    const figures =
      new RegExp(
        `^  ${name} +([\\d.]+) % \\+- ([\\d.]+) % +the error model predicts ([\\d.]+) % \\+- ([\\d.]+) %`,
        'm',
      ).exec(stdout) ?? [];
    const [share, error, predicted, predictedError] = figures.slice(1).map(Number);
    expect(Math.abs(share - predicted)).toBeLessThan(5 * Math.hypot(error, predictedError));
  }
  expect(stdout).toMatch(/time +[\d.]+ s .* rows\/s/);
  expect(stdout).toMatch(/peak memory +[\d.]+ [MG]iB/);
  expect(stdout).toContain('armilla serve');
});

test('bad options are refused', async () => {
  expect(await runCli(['demo', '--rows', '10'])).toMatchObject({ code: 2, stderr: expect.stringContaining('--rows') });
});
