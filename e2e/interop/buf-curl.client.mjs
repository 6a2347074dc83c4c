// `buf curl` by server reflection: lists the services and asks for a plan.
import { execFileSync } from 'node:child_process';

const buf = 'node_modules/@bufbuild/buf/bin/buf';
const base = ['curl', '--protocol', 'grpc', '--http2-prior-knowledge'];
const url = `http://${process.env.ARMILLA_GRPC}`;
const run = (...args) => execFileSync(process.execPath, [buf, ...base, ...args], { encoding: 'utf8' });

const services = run('--list-services', url);
for (const name of [
  'armilla.crossmatch.v1.CrossmatchService',
  'arrow.flight.protocol.FlightService',
  'grpc.health.v1.Health',
]) {
  if (!services.includes(name)) throw new Error(`${name} is not listed: ${services}`);
}
const plan = JSON.parse(
  run(
    '-d',
    '{"options": {"radius_arcsec": 1}, "left_row_count": 1000000, "right_row_count": 1000000}',
    `${url}/armilla.crossmatch.v1.CrossmatchService/Explain`,
  ),
);
if (!(Number(plan.plannedBytes) > 0)) throw new Error(`no plan: ${JSON.stringify(plan)}`);
try {
  run('-d', '{"options": {"radius_arcsec": -1}}', `${url}/armilla.crossmatch.v1.CrossmatchService/Explain`);
  throw new Error('a bad radius was accepted');
} catch (error) {
  // buf curl exits with the gRPC code times 8: INVALID_ARGUMENT is 3.
  if (error.status !== 24) throw error;
}
const actions = run('-d', '{}', `${url}/arrow.flight.protocol.FlightService/ListActions`);
if (!actions.includes('get-result')) throw new Error(`no actions: ${actions}`);
console.log('  buf curl lists, plans and is refused by reflection');
