/** Objects whose keys are data, not names. */
const MAP_NAMES = new Set(['rejected_by_reason', 'misfit_by_column']);

/** The JSON of the HTTP interface (snake case) with the names of the library (camel case). */
export function camelCaseKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(camelCaseKeys);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase()),
      MAP_NAMES.has(name) ? inner : camelCaseKeys(inner),
    ]),
  );
}

/** The inverse: names as HTTP has them, so that one reader serves both. */
export function snakeCaseKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(snakeCaseKeys);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => {
      const snake = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
      return [snake, MAP_NAMES.has(snake) ? inner : snakeCaseKeys(inner)];
    }),
  );
}
