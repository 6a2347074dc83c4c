import { checkFolderOutput, checkOutput } from '@armilla/tables';
import { besidePath } from '../provenance/result.js';
import { STANDARD, type TableOutput } from './flags.js';

/** Throws OUTPUT_EXISTS or OUTPUT_NOT_CREATED for what is known of an output before there is anything to write. */
export async function checkTableOutput(output: TableOutput): Promise<void> {
  const { path, format, overwrite } = output;
  if (path === STANDARD) return;
  if (format === 'hats') await checkFolderOutput(path, { overwrite });
  else await checkOutput(path, { overwrite, besidePath: besidePath(output) });
}
