import { writeFileOutput } from '@armilla/tables';
import type { Assessment, MatchSummary } from '@armilla/crossmatch';
import type { MatchTask } from '../flags.js';
import { drawSvg } from './draw.js';
import { magnitudeHistogram } from './magnitudes.js';
import { offsetScatter } from './offsets.js';
import { type DrawnPicture, pageHtml } from './page.js';
import { separationHistogram } from './separations.js';
import { sharesByRadius } from './shares.js';
import { skyMap } from './sky-map.js';

export interface ReportInput extends Assessment {
  readonly task: MatchTask;
  readonly summary: MatchSummary;
}

/** The page of a match, in one text. */
export async function reportHtml({ task, summary, trust, evidence }: ReportInput): Promise<string> {
  const { radiusArcsec } = task.options;
  const pictures: DrawnPicture[] = [];
  for (const picture of [
    skyMap(evidence, radiusArcsec),
    separationHistogram(evidence, trust, radiusArcsec),
    sharesByRadius(trust, radiusArcsec),
    offsetScatter(evidence, trust, radiusArcsec),
    magnitudeHistogram(evidence, radiusArcsec),
  ])
    if (picture) pictures.push({ ...picture, svg: await drawSvg(picture) });
  return pageHtml({ task, summary, trust, pictures });
}

/** Writes it whole or not at all. OUTPUT_EXISTS, OUTPUT_NOT_CREATED, OUTPUT_WRITE_FAILED. */
export async function writeReport(
  { path, overwrite }: { readonly path: string; readonly overwrite: boolean },
  input: ReportInput,
  signal: AbortSignal,
): Promise<void> {
  const html = await reportHtml(input);
  async function* bytes(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(html, 'utf8');
  }
  await writeFileOutput(path, bytes(), { overwrite, signal });
}
