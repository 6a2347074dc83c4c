import { readFile, stat } from 'node:fs/promises';
import { fail } from '@armilla/base';
import type { ProbabilityOptions } from '@armilla/crossmatch';
import { WHOLE_SKY_SQUARE_DEGREES } from '@armilla/sky';
import type { MatchTask } from './flags.js';

/** Flags that say what the probability of a pair depends on. */
export interface ProbabilityFlags {
  readonly probabilities?: boolean;
  readonly rightSkyArea?: string;
  readonly completeness?: string;
  readonly acceptableRatio?: string;
  readonly securePosterior?: string;
  readonly magnitudePrior?: readonly string[];
}

/** Undefined where no probabilities are asked for; magnitude priors still name their files. */
export function readProbabilityFlags(flags: ProbabilityFlags): ProbabilityOptions | undefined {
  const { probabilities, rightSkyArea, completeness, acceptableRatio, securePosterior, magnitudePrior } = flags;
  if (!probabilities) {
    const given = { rightSkyArea, completeness, acceptableRatio, securePosterior, magnitudePrior };
    if (Object.values(given).every((value) => value === undefined)) return undefined;
    throw fail('OPTIONS_CONFLICT', {
      detail: '--right-sky-area, --completeness, --magnitude-prior and their like go with --probabilities',
    });
  }
  return {
    rightAreaSquareDegrees: rightSkyArea === 'full' ? WHOLE_SKY_SQUARE_DEGREES : decimal(rightSkyArea),
    completeness: decimal(completeness),
    acceptableRatio: decimal(acceptableRatio),
    securePosterior: decimal(securePosterior),
    magnitudePriors: magnitudePrior,
  };
}

/** A histogram of more bytes is none. */
const MAX_BYTES = 2 ** 16;

/** The task with the histograms in place of the files that its magnitude priors name. Throws INPUT_NOT_FOUND, INPUT_UNREADABLE or HISTOGRAM_INVALID. */
export async function withHistograms(task: MatchTask): Promise<MatchTask> {
  const { probabilities } = task.options;
  if (!probabilities?.magnitudePriors) return task;
  const magnitudePriors = await readHistograms(probabilities.magnitudePriors);
  return { ...task, options: { ...task.options, probabilities: { ...probabilities, magnitudePriors } } };
}

/** `NAME=FILE` with the content of the file in its place; `NAME=auto` as it is. */
export async function readHistograms(priors: readonly string[] = []): Promise<string[]> {
  const read: string[] = [];
  for (const text of priors) {
    const [file] = histogramFiles([text]);
    read.push(file === undefined ? text : `${text.slice(0, text.indexOf('='))}=${await readHistogram(file)}`);
  }
  return read;
}

/** The files that magnitude priors name. */
export function histogramFiles(priors: readonly string[] = []): string[] {
  return priors.flatMap((text) => {
    const at = text.indexOf('=');
    const file = text.slice(at + 1);
    return at > 0 && file !== '' && file !== 'auto' ? [file] : [];
  });
}

async function readHistogram(where: string): Promise<string> {
  try {
    const { size } = await stat(where);
    if (size > MAX_BYTES)
      throw fail('HISTOGRAM_INVALID', { where, detail: `it has ${size} bytes, at most ${MAX_BYTES} are read` });
    const text = await readFile(where, 'utf8');
    if (text.trim() === '') throw fail('HISTOGRAM_INVALID', { where, detail: 'it is empty' });
    return text;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw fail('INPUT_NOT_FOUND', { where }, { cause: error });
    if (code === undefined || !code.startsWith('E')) throw error;
    throw fail('INPUT_UNREADABLE', { where, detail: message }, { cause: error });
  }
}

/** NaN for what is no number, which the match refuses by the name of the option. */
function decimal(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  return text.trim() === '' ? NaN : Number(text);
}
