const SEXAGESIMAL =
  /^\s*([+\-−]?)(\d{1,3})(?:\s*[:h°d]\s*|\s+)(\d{1,2})(?:(?:\s*[:m'′]\s*|\s+)(\d{1,2}(?:\.\d*)?)\s*(?:s|"|″|'')?|\s*[m'′]?)\s*$/i;

/**
 * The number that a sexagesimal text such as `-12:34:56.7`, `12 34 56`, `12h34m56.7s` or `+12d 34m` stands for, in its own
 * first unit; NaN for any other text, and for minutes or seconds of 60 and more.
 */
export function parseSexagesimal(text: string): number {
  const match = SEXAGESIMAL.exec(text);
  if (!match) return NaN;
  const [minutes, seconds] = [Number(match[3]), match[4] === undefined ? 0 : Number(match[4])];
  if (minutes >= 60 || seconds >= 60) return NaN;
  const size = Number(match[2]) + minutes / 60 + seconds / 3600;
  return match[1] === '' || match[1] === '+' ? size : -size;
}

/** Whether the text is sexagesimal with hours first, by its own letters. */
export function saysHours(text: string): boolean {
  return /\dh/i.test(text.replace(/\s+/g, ''));
}
