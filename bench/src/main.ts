import { parseArgs } from 'node:util';

/** Areas by name; each reads the arguments itself and has a help of its own. */
const AREAS: Readonly<Record<string, { readonly what: string; readonly run: () => Promise<unknown> }>> = {
  batch: { what: 'many small calls at once, each for itself and made batches', run: () => import('./batch/main.js') },
  crossmatch: {
    what: 'the crossmatch, with --peers beside other programs',
    run: () => import('./crossmatch/main.js'),
  },
  memory: { what: 'the pool of device memory, its stages and its leak alarms', run: () => import('./memory/main.js') },
  ops: {
    what: 'matrix products, element-wise operations, reductions, with --peers beside NumPy',
    run: () => import('./ops/main.js'),
  },
  profile: { what: 'what a span of the profiler costs', run: () => import('./profile/main.js') },
  router: { what: 'the choice of devices: its cost and its losses', run: () => import('./router/main.js') },
  sky: { what: 'the join on the sky on a GPU, beside the CPU', run: () => import('./sky/main.js') },
};

const HELP = `Usage: npm run bench -- <area> [options]

Areas:
${Object.entries(AREAS)
  .map(([name, { what }]) => `  ${name.padEnd(12)}${what}`)
  .join('\n')}

npm run bench -- <area> --help lists the options of an area.
`;

const { values, positionals } = parseArgs({
  strict: false,
  allowPositionals: true,
  options: { help: { type: 'boolean', short: 'h' }, only: { type: 'string' }, with: { type: 'string' } },
});

if (Object.hasOwn(AREAS, positionals[0] ?? '')) await AREAS[positionals[0]].run();
else {
  process.stdout.write(HELP);
  process.exitCode = values.help && positionals.length === 0 ? 0 : 2;
}
