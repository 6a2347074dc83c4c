// A software Vulkan adapter for the tests, from the npm registry: unpacks SwiftShader out of @sparticuz/chromium into
// node_modules/.cache and gives the environment in which the Vulkan loader finds it. Linux on x64 with glibc 2.35 or later.
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';

const PACKAGE = 'node_modules/@sparticuz/chromium';
const LEAST_GLIBC = [2, 35];

/** VK_ICD_FILENAMES and LD_LIBRARY_PATH of a process that shall see SwiftShader; undefined where it cannot run. */
export function swiftshaderEnvironment() {
  if (!runsHere()) return undefined;
  const folder = unpack();
  return {
    VK_ICD_FILENAMES: join(folder, 'vk_swiftshader_icd.json'),
    VK_DRIVER_FILES: join(folder, 'vk_swiftshader_icd.json'),
    LD_LIBRARY_PATH: [folder, process.env.LD_LIBRARY_PATH].filter(Boolean).join(':'),
  };
}

function runsHere() {
  if (process.platform !== 'linux' || process.arch !== 'x64') return false;
  const [major, minor] = (process.report.getReport().header.glibcVersionRuntime ?? '0.0').split('.').map(Number);
  return major > LEAST_GLIBC[0] || (major === LEAST_GLIBC[0] && minor >= LEAST_GLIBC[1]);
}

function unpack() {
  const { version } = JSON.parse(readFileSync(join(PACKAGE, 'package.json'), 'utf8'));
  const folder = resolve('node_modules/.cache/armilla', `swiftshader-${version}`);
  if (existsSync(folder)) return folder;
  const partial = `${folder}.${process.pid}.part`;
  for (const { name, bytes } of tarFiles(brotliDecompressSync(readFileSync(join(PACKAGE, 'bin/swiftshader.tar.br'))))) {
    mkdirSync(dirname(join(partial, name)), { recursive: true });
    writeFileSync(join(partial, name), bytes);
  }
  try {
    renameSync(partial, folder);
  } catch (error) {
    // Another process was first.
    rmSync(partial, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  }
  return folder;
}

/** The plain files of a tar archive (POSIX ustar: 512-byte headers, octal sizes). */
function* tarFiles(archive) {
  for (let at = 0; at + 512 <= archive.length && archive[at] !== 0;) {
    const field = (from, length) => archive.toString('latin1', at + from, at + from + length).replace(/\0.*$/s, '');
    const size = Number.parseInt(field(124, 12), 8);
    const name = field(0, 100);
    if (['', '0'].includes(field(156, 1)) && !name.split('/').includes('..'))
      yield { name, bytes: archive.subarray(at + 512, at + 512 + size) };
    at += 512 + Math.ceil(size / 512) * 512;
  }
}
