const { glibcVersionRuntime = '0.0' } = (process.report.getReport() as { header: { glibcVersionRuntime?: string } })
  .header;
const [major, minor] = glibcVersionRuntime.split('.').map(Number);

/** Whether SwiftShader has to run here (tools/swiftshader.mjs): there its absence would hide a fault. */
export const hasSoftwareGpu =
  process.platform === 'linux' && process.arch === 'x64' && (major > 2 || (major === 2 && minor >= 35));
