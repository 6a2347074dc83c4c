// Sums the test results of all packages (cached runs keep theirs) and prints the closing line.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Returns the exit status: 0 only when something ran, nothing failed and no test file was left out. */
export function reportTests(folders, statuses) {
  let passed = 0;
  let failed = 0;
  const skipped = [];
  const faults = [];
  for (const folder of folders) {
    const onDisk = countTestFiles(join(folder, 'src'));
    const path = join(folder, 'build', 'test-results.json');
    if (!existsSync(path)) {
      if (onDisk > 0) faults.push(`${folder}: ${onDisk} test files on disk, but its tests did not run`);
      continue;
    }
    const results = JSON.parse(readFileSync(path, 'utf8'));
    passed += results.passed ?? 0;
    failed += results.failed ?? 0;
    for (const name of results.skipped ?? []) skipped.push(`${folder}: ${name}`);
    if (results.filesRun !== onDisk)
      faults.push(`${folder}: ${onDisk} test files on disk, ${results.filesRun ?? 0} ran`);
  }
  if (passed + failed === 0) faults.push('no test ran');
  if (failed === 0 && faults.length === 0 && statuses.some((status) => status !== 0)) {
    faults.push('build, lint, type check or a test run failed (see above)');
  }
  if (skipped.length > 0)
    process.stdout.write(`\nSkipped, with the reason in the name:\n${skipped.map((name) => `  ${name}\n`).join('')}`);
  if (faults.length > 0) process.stdout.write(`\n${faults.map((fault) => `FAULT ${fault}\n`).join('')}`);
  failed += faults.length;
  process.stdout.write(`\n${passed} passed, ${failed} failed, ${skipped.length} skipped\n`);
  return failed === 0 ? 0 : 1;
}

function countTestFiles(folder) {
  if (!existsSync(folder)) return 0;
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.test.ts')).length;
}
