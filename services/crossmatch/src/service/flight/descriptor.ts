import { fail } from '@armilla/base';
import { type FlightDescriptor, FlightDescriptorType } from '@armilla/proto';
import { JsonFields } from './json-fields.js';

/** What a descriptor names: a stored table by its path, or a JSON object. */
export type Described = { readonly table: string } | { readonly command: Record<string, unknown> };

/** Throws REQUEST_INVALID for a descriptor of neither kind. */
export function readDescriptor({ type, path, cmd }: FlightDescriptor): Described {
  if (type === FlightDescriptorType.CMD) return { command: JsonFields.parse(cmd, 'the command of the descriptor') };
  if (type !== FlightDescriptorType.PATH)
    throw fail('REQUEST_INVALID', {
      detail: `a descriptor must be a path or a command, and its type is ${String(type).slice(0, 20)}`,
    });
  if (path.length !== 1)
    throw fail('REQUEST_INVALID', {
      detail: `a path has one part, the name of a stored table; this one has ${path.length}`,
    });
  return { table: path[0] };
}
