import { formatCount } from '@armilla/base';
import type { Recentering, SystematicOffset, Trust } from '@armilla/crossmatch';

/** What was measured, by what it is called; for the terminal and for the page. */
export function trustLines(trust: Trust): readonly (readonly [name: string, text: string])[] {
  const { matched, chanceLocal, chanceShifted, completeness, purity, advisedRadiusArcsec, rayleigh } = trust;
  const { footprint, offset, rotation } = trust;
  const lines: (readonly [string, string])[] = [
    ['sample', `${formatCount(trust.sampleRowCount)} of ${formatCount(trust.usableRowCount)} usable left rows`],
    ['matched by nearest', estimate(matched)],
    ['by chance, local density', `${estimate(chanceLocal)} (${ring(trust)})`],
    [
      'by chance, shifted skies',
      `${estimate(chanceShifted)} (${chanceShifted.controlCount} of them, ${rounded(chanceShifted.shiftArcsec)} arcsec away)`,
    ],
    ['completeness', share(completeness, trust.completenessStandardError)],
    ['purity', share(purity, trust.purityStandardError)],
    ['advised radius', advisedRadiusArcsec === undefined ? 'none' : `${rounded(advisedRadiusArcsec)} arcsec`],
  ];
  if (rayleigh) {
    const tail =
      rayleigh.tailShare === undefined ? '' : `, ${percent(rayleigh.tailShare)} beyond 3.03 sigma (law: 1 %)`;
    lines.push([
      'separations',
      `sigma ${value(rayleigh.sigmaArcsec, rayleigh.sigmaStandardErrorArcsec)} arcsec per axis; ` +
        `${rayleigh.distance.toFixed(4)} from the Rayleigh law (by luck up to ${rayleigh.distanceLimit.toFixed(4)})${tail}`,
    ]);
  }
  lines.push([
    'common footprint',
    `${percent(footprint.insideShare)} of the left rows have a right row within ${arcsec(footprint.reachArcsec)}; ` +
      `${percent(footprint.matchedShare)} of those are matched`,
  ]);
  if (offset) lines.push(['offset, right - left', `${offsetText(offset)} (${formatCount(offset.pairCount)} pairs)`]);
  if (rotation)
    lines.push([
      'rotation, left to right',
      `x ${value(rotation.xArcsec, rotation.xStandardErrorArcsec)}, y ${value(rotation.yArcsec, rotation.yStandardErrorArcsec)}, ` +
        `z ${value(rotation.zArcsec, rotation.zStandardErrorArcsec)} arcsec; ${rotation.residualArcsec.toPrecision(3)} per axis remain`,
    ]);
  return lines;
}

export function trustText(trust: Trust): string {
  const lines = trustLines(trust).map(([name, text]) => `  ${name.padEnd(24)} ${text}`);
  return ['can it be trusted?', ...lines, ...trust.notes.map((note) => `  note: ${note}`)].join('\n');
}

export function recenteringText({ turnArcsec, offset }: Recentering): string {
  const [x, y, z] = turnArcsec.map((angle) => angle.toFixed(4));
  return `recentered: left positions turned by ${x}, ${y}, ${z} arcsec about x, y, z (from ${formatCount(offset.pairCount)} pairs, ${offsetText(offset)})`;
}

function offsetText(offset: SystematicOffset): string {
  return (
    `ra cos(dec) ${value(offset.raCosdecArcsec, offset.raCosdecStandardErrorArcsec)}, ` +
    `dec ${value(offset.decArcsec, offset.decStandardErrorArcsec)} arcsec`
  );
}

function estimate({ count, standardError }: { readonly count: number; readonly standardError: number }): string {
  return standardError === 0
    ? formatCount(Math.round(count))
    : `${formatCount(Math.round(count))} +- ${formatCount(Math.ceil(standardError))}`;
}

const ring = ({ ring: { innerArcsec, outerArcsec } }: Trust): string =>
  `right rows ${rounded(innerArcsec)} to ${rounded(outerArcsec)} arcsec away`;

const percent = (part: number): string => `${(100 * part).toFixed(2)} %`;

const share = (part: number, error: number): string => `${percent(part)} +- ${percent(error)}`;

/** With as many digits as its error has meaning for. */
function value(of: number, error: number): string {
  const digits = error > 0 ? Math.max(0, Math.min(9, 1 - Math.floor(Math.log10(error)))) : 6;
  return `${of.toFixed(digits)} +- ${error.toFixed(digits)}`;
}

const arcsec = (of: number): string => (of < 60 ? `${rounded(of)} arcsec` : `${rounded(of / 60)} arcmin`);

/** Three digits, never with an exponent. */
const rounded = (of: number): string => String(Number(of.toPrecision(3)));
