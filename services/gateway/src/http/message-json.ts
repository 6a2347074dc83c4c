/** Fields of our messages that are maps: their keys are data, not names. */
const MAP_FIELDS = new Set(['rejectedByReason', 'misfitByColumn']);

/**
 * A message of the contract as JSON for HTTP: names in snake case as in the .proto files, 64-bit counts as numbers
 * (as text beyond 2^53, which no count here reaches).
 */
export function messageJson(message: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(message)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [
        snakeCase(name),
        MAP_FIELDS.has(name) ? mapJson(value as Record<string, unknown>) : valueJson(value),
      ]),
  );
}

function valueJson(value: unknown): unknown {
  if (typeof value === 'bigint') return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value.toString();
  if (Array.isArray(value)) return value.map(valueJson);
  if (typeof value === 'object' && value !== null) return messageJson(value);
  return value;
}

const mapJson = (map: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(map).map(([key, value]) => [key, valueJson(value)]));

const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
