import { spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A certificate for 127.0.0.1, made by openssl; undefined where that is missing. */
export function makeSelfSigned(): { certPath: string; keyPath: string; folder: string } | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'armilla-tls-test-'));
  const certPath = join(folder, 'cert.pem');
  const keyPath = join(folder, 'key.pem');
  const options = [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-days',
    '2',
    '-subj',
    '/CN=localhost',
    '-addext',
    'subjectAltName=IP:127.0.0.1,DNS:localhost',
  ];
  const { status } = spawnSync('openssl', [...options, '-keyout', keyPath, '-out', certPath], { stdio: 'ignore' });
  return status === 0 ? { certPath, keyPath, folder } : undefined;
}
