// The metrics page as Prometheus' own checker reads it.
import { spawnSync } from 'node:child_process';

const page = await (await fetch(`${process.env.ARMILLA_URL}/metrics`)).text();
const result = spawnSync('promtool', ['check', 'metrics'], { input: page, encoding: 'utf8' });
if (result.error) {
  console.log('  no promtool here (Debian package prometheus)');
  process.exit(77);
}
if (result.status !== 0) throw new Error(`promtool: ${result.stdout}${result.stderr}`);
console.log('  promtool finds nothing to say about /metrics');
