import { execFileSync } from 'node:child_process';
import { repositoryRoot } from './root.js';

interface Probe {
  file: string;
  imports: string;
  allowed: boolean;
}

const PROBES: Probe[] = [
  { file: 'libs/sky/src/probe.ts', imports: '@armilla/gpu-core', allowed: true },
  { file: 'libs/sky/src/probe.ts', imports: '@armilla/tables', allowed: false },
  { file: 'libs/sky/src/probe.ts', imports: '@armilla/crossmatch', allowed: false },
  { file: 'libs/sky/src/probe.ts', imports: '@armilla/gpu-core/dist/index.js', allowed: false },
  { file: 'libs/sky/src/probe.ts', imports: '@grpc/grpc-js', allowed: false },
  { file: 'libs/base/src/probe.ts', imports: '@armilla/sky', allowed: false },
  { file: 'libs/gpu-core/src/probe.ts', imports: '@opentelemetry/api', allowed: true },
  { file: 'libs/gpu-core/src/probe.ts', imports: '@opentelemetry/sdk-node', allowed: false },
  { file: 'libs/tables/src/probe.ts', imports: '@armilla/sky', allowed: false },
  { file: 'libs/chassis/src/probe.ts', imports: '@armilla/proto', allowed: true },
  { file: 'libs/chassis/src/probe.ts', imports: '@armilla/gpu-core', allowed: false },
  { file: 'libs/chassis/src/probe.ts', imports: '@armilla/tables', allowed: false },
  { file: 'services/gateway/src/probe.ts', imports: '@armilla/tables', allowed: true },
  { file: 'services/gateway/src/probe.ts', imports: '@armilla/crossmatch', allowed: false },
  { file: 'services/gateway/src/probe.ts', imports: '@armilla/gpu-core', allowed: false },
  { file: 'services/gateway/src/probe.ts', imports: '@armilla/sky', allowed: false },
  { file: 'services/crossmatch/src/probe.ts', imports: '@armilla/sky', allowed: true },
  { file: 'services/crossmatch/src/probe.ts', imports: '@armilla/gateway', allowed: false },
  { file: 'services/crossmatch/src/probe.ts', imports: '@grpc/grpc-js', allowed: false },
  { file: 'services/crossmatch/src/service.ts', imports: '@grpc/grpc-js', allowed: true },
  { file: 'cli/src/probe.ts', imports: '@armilla/crossmatch', allowed: true },
  { file: 'cli/src/probe.ts', imports: '@armilla/crossmatch/src/match.js', allowed: false },
];

const SCRIPT = `
  import { ESLint } from 'eslint';
  const eslint = new ESLint();
  const verdicts = [];
  for (const { file, imports } of JSON.parse(process.argv[1])) {
    const [result] = await eslint.lintText("import '" + imports + "';\\n", { filePath: file });
    verdicts.push(result.messages.map((message) => message.ruleId));
  }
  process.stdout.write('VERDICTS' + JSON.stringify(verdicts));
`;

test('the import rules bite where ARCHITECTURE says so, and nowhere else', () => {
  const env = { ...process.env, NX_DAEMON: 'false', NX_NO_CLOUD: 'true' };
  // The boundary rule reads nx's project graph; make sure that there is one.
  execFileSync(process.execPath, ['node_modules/nx/dist/bin/nx.js', 'show', 'projects'], { cwd: repositoryRoot, env });
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', SCRIPT, JSON.stringify(PROBES)], {
    cwd: repositoryRoot,
    env,
    encoding: 'utf8',
  });
  const verdicts = JSON.parse(output.slice(output.indexOf('VERDICTS') + 8)) as string[][];
  const wrong = PROBES.filter((probe, at) => (verdicts[at].length === 0) !== probe.allowed);
  expect(wrong).toEqual([]);
}, 120_000);
