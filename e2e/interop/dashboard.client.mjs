// The dashboard of a profile in headless Chromium: it draws all its parts, says nothing on the console, and names from
// hostile profiles stay text.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Profiler, renderDashboard } from '@armilla/gpu-core';

const browser = ['chromium', 'chromium-browser', 'google-chrome', 'chrome'].find(
  (name) => spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0,
);
if (browser === undefined) {
  console.log('  no Chromium here (Debian package chromium)');
  process.exit(77);
}

const SECTIONS = 'overview split summary bottlenecks memory timeline flame roofline crossovers difference'.split(' ');
const HOSTILE = ['</script><script>document.title="taken"</script>', '<img src=x onerror="document.title=\'taken\'">'];
const folder = mkdtempSync(join(tmpdir(), 'armilla-dashboard-'));
try {
  const runs = [profileOf('the run', 1), profileOf('<b>the run before</b>', 2)];
  const extra = {
    rooflines: [{ device: 'gpu0', peakGflopPerS: 1000, peakGbPerS: 100 }],
    memory: [{ device: 'gpu0', usedBytes: 900, reservedBytes: 1000, budgetBytes: 1000 }],
    crossovers: [
      {
        op: HOSTILE[0],
        unit: 'rows',
        sizes: [10, 100, 1000],
        crossoverSizes: [100],
        backends: [
          { name: HOSTILE[1], predictedMs: [1, 10, 100] },
          { name: 'gpu0', predictedMs: [9, 10, 12] },
        ],
      },
    ],
  };
  const full = dump('full', renderDashboard(runs, extra));
  for (const id of SECTIONS) check(full.includes(`<section id="${id}"`), `section ${id} is there`);
  check((full.match(/<svg /g) ?? []).length > 12, 'drawings are there');
  check((full.match(/<rect /g) ?? []).length > 60, 'bars, spans and frames are drawn');
  check(full.includes('85 % of 1000 B'), 'the memory line has its mark');
  check(full.includes('>slower<'), 'the difference has its verdict');
  check(full.includes('<h1>the run</h1>'), 'the run is named');
  check(!full.includes('<title>taken'), 'no name has run as script');
  check(!/<img/.test(full.replace(/<script[\s\S]*?<\/script>/g, '')), 'no name has become an element');

  const one = dump('one', renderDashboard(runs[0]));
  check(!one.includes('<section id="difference"'), 'one run is compared with nothing');
  check(one.includes('No roofline was measured.'), 'what was not given is said to be missing');

  const empty = dump('empty', renderDashboard(new Profiler().profile()));
  for (const id of SECTIONS.slice(0, -1)) check(empty.includes(`<section id="${id}"`), `section ${id} without spans`);

  const none = dump('none', renderDashboard([]));
  check(none.includes('Open a profile.') && none.includes('type="file"'), 'without a profile one can be opened');
  console.log(`  ${browser} draws all ${SECTIONS.length} parts and says nothing`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function profileOf(label, factor) {
  let now = 0;
  const profiler = new Profiler({ nowNs: () => now, originEpochMs: 1_780_000_000_000 });
  const used = profiler.track('memory.used', 'gpu0', 'bytes');
  for (let i = 0; i < 20; i++) {
    const outer = profiler.scope(HOSTILE[i % 2]);
    now += 1000;
    const inner = profiler.scope('gpu.matmul', { device: 'gpu0' });
    profiler.count(used, 40 * i);
    now += (5000 + i) / factor;
    inner.add({ uploadNs: 500, kernelNs: 2000, readbackNs: 300, bytes: 10_000, flops: 1_000_000 }).end();
    now += 1000;
    outer.end();
  }
  profiler.begin('still.open');
  now += 3000;
  return profiler.profile(label);
}

/** The document as the browser has it when its script has run; throws when the console had anything to say. */
function dump(name, page) {
  const file = join(folder, `${name}.html`);
  writeFileSync(file, page);
  const { status, stdout, stderr } = spawnSync(
    browser,
    [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--enable-logging=stderr',
      '--virtual-time-budget=5000',
      `--user-data-dir=${join(folder, 'browser')}`,
      '--window-size=1280,1600',
      '--dump-dom',
      pathToFileURL(file).href,
    ],
    { encoding: 'utf8', timeout: 120_000, maxBuffer: 2 ** 28 },
  );
  if (status !== 0) throw new Error(`${browser} ended with ${status}: ${stderr.slice(-1000)}`);
  const said = stderr.split('\n').filter((line) => /CONSOLE|Uncaught|Content Security Policy/.test(line));
  if (said.length > 0) throw new Error(`${name}: the console says: ${said.join('\n')}`);
  return stdout;
}

function check(holds, what) {
  if (!holds) throw new Error(`not so: ${what}`);
}
