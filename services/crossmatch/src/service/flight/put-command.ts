import { fail } from '@armilla/base';
import { MAX_TTL_SECONDS } from '../../stored-tables.js';
import type { StoreOptions } from '../core.js';
import { readDescriptor } from './descriptor.js';
import type { FlightUpload } from './flight-upload.js';
import { JsonFields } from './json-fields.js';
import { sideFields } from './side-fields.js';

/**
 * Where a DoPut goes: the name is the path of the descriptor or `table` of its command; the other options stand in the
 * command or in the app_metadata of the first message.
 */
export function readPut({ descriptor, options }: FlightUpload): StoreOptions {
  const described = readDescriptor(descriptor);
  const fields = new JsonFields({ ...('table' in described ? described : described.command), ...options });
  const name = fields.text('table');
  if (name === undefined)
    throw fail('REQUEST_INVALID', {
      field: 'table',
      detail: 'name the table: a path of one part, or a command {"table": NAME}',
    });
  const put = {
    name,
    ttlSeconds: fields.count('ttl_seconds', MAX_TTL_SECONDS) ?? 0,
    replace: fields.flag('replace') ?? false,
    columns: sideFields(fields, ''),
    rowCount: fields.count('row_count', Number.MAX_SAFE_INTEGER),
  };
  fields.end();
  return put;
}
