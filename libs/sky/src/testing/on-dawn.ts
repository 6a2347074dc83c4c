const { glibcVersionRuntime = '0.0' } = (process.report.getReport() as { header: { glibcVersionRuntime?: string } })
  .header;
const [major, minor] = glibcVersionRuntime.split('.').map(Number);

/** Where Dawn's binary and SwiftShader have to run: there a skip would hide a fault. */
const runsDawn = process.platform === 'linux' && process.arch === 'x64' && (major > 2 || (major === 2 && minor >= 35));

/** A test that needs Dawn and SwiftShader. */
export const onDawn = runsDawn ? test : test.skip;
