import { runCli } from './testing/run-cli.js';

test('help leads with examples and lists the commands; the version is a version', async () => {
  const { code, stdout } = await runCli(['--help']);
  expect(code).toBe(0);
  expect(stdout.startsWith('Examples:\n  armilla crossmatch')).toBe(true);
  for (const command of [
    'crossmatch',
    'convert',
    'merge',
    'serve',
    'status',
    'router',
    'profile',
    'doctor',
    'demo',
    'bench',
  ])
    expect(stdout).toMatch(new RegExp(`^  ${command}\\b`, 'm'));
  expect((await runCli(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test('every command has help, to standard output, and ends with 0', async () => {
  for (const command of [
    'crossmatch',
    'convert',
    'merge',
    'serve',
    'status',
    'router',
    'profile',
    'doctor',
    'demo',
    'bench',
  ]) {
    const { code, stdout, stderr } = await runCli([command, '--help']);
    expect({ command, code, stderr }).toEqual({ command, code: 0, stderr: '' });
    expect(stdout).toMatch(new RegExp(`^Examples:\\n  armilla ${command}\\b`));
    expect(stdout).toContain('Usage: armilla');
  }
});

test.each(['router show', 'router calibrate', 'router explain', 'profile compare'])(
  'armilla %s has help of its own',
  async (command) => {
    const { code, stdout, stderr } = await runCli([...command.split(' '), '--help']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(new RegExp(`^Examples:\\n  armilla ${command}\\b`));
    expect(stdout).toContain(`Usage: armilla ${command}`);
  },
);

test('an unknown command suggests the known one and ends with 2', async () => {
  const { code, stderr } = await runCli(['crossmach']);
  expect(code).toBe(2);
  expect(stderr).toContain('Did you mean crossmatch?');
});
